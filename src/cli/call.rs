//! `call`: sends a real RPC request to a volume host, prints the reply or the rebuilt failure.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::Utc;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::args::CallArgs;
use super::serve;
use crate::bus::{Destination, Inbox, Message, Publisher};
use crate::config::{Config, MessagingOptions};
use crate::rpc::client::{self, Outcome};
use crate::rpc::request::{self, Request, Target};
use crate::rpc::{Failure, Properties, RequestContext, Version};

/// What came of the request.
#[derive(Debug)]
pub enum Answer {
    /// A cast: the broker has it.
    Sent,
    /// The method's result.
    Result(Value),
    /// The method failed.
    Failure(Box<Failure>),
}

/// A request to send.
#[derive(Debug, Clone)]
pub struct Question {
    /// `host@backend`
    pub host: String,
    /// Method of the volume API.
    pub method: String,
    /// Its arguments.
    pub args: serde_json::Map<String, Value>,
    /// API version stamped on it.
    pub version: Version,
    /// Who asks.
    pub context: RequestContext,
    /// Do not wait for a reply.
    pub cast: bool,
    /// How long to wait for the reply.
    pub timeout: Duration,
}

/// Runs the subcommand.
pub async fn run(args: CallArgs) -> ExitCode {
    let loaded = match serve::load(&args.oslo) {
        Ok(loaded) => loaded,
        Err(status) => return status,
    };
    crate::xms::install_crypto_provider();
    let answer = match question(&args, &loaded.config) {
        Ok(question) => ask(&loaded.config.messaging, &question).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(Answer::Sent) => {
            super::say("sent");
            ExitCode::SUCCESS
        }
        Ok(Answer::Result(value)) => {
            super::say(&format!("{value:#}"));
            ExitCode::SUCCESS
        }
        Ok(Answer::Failure(failure)) => {
            super::complain(&failure.to_string());
            ExitCode::from(2)
        }
        Err(error) => {
            super::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn question(args: &CallArgs, config: &Config) -> anyhow::Result<Question> {
    let host = match (&args.host, config.backends.first()) {
        (Some(host), _) => host.clone(),
        (None, Some(backend)) => backend.host.clone(),
        (None, None) => bail!("no XtremIO backend is configured: name one with --host"),
    };
    let context = match &args.context {
        Some(context) => RequestContext::from_wire(context),
        None => {
            RequestContext::for_service(RequestContext::new_request_id(), Utc::now().naive_utc())
        }
    };
    let timeout = args
        .timeout
        .map_or(config.service.rpc_response_timeout, Duration::from_secs);
    Ok(Question {
        host,
        method: args.method.clone(),
        args: args.json.clone(),
        version: Version::parse(&args.rpc_version).context("--version is not a version")?,
        context,
        cast: args.cast,
        timeout,
    })
}

/// Sends the request, and waits for the reply if it is a call.
///
/// # Errors
///
/// The broker did not take it, nobody consumes the host's queue, no reply came in time.
pub async fn ask(messaging: &MessagingOptions, question: &Question) -> anyhow::Result<Answer> {
    let deadline = Instant::now() + question.timeout;
    let cast = Request::cast(
        Target::volume(&question.host),
        &question.method,
        question.version,
        question.args.clone(),
        question.context.clone(),
        request::new_id(),
    );
    let publisher = Publisher::new(messaging);
    let send = async |request: &Request| -> anyhow::Result<()> {
        let message = Message {
            to: Destination::Topic(request.target.routing_key()),
            body: request.to_body(),
            expiration: request.reply.as_ref().map(|_| question.timeout),
            mandatory: true,
        };
        let routed = publisher.publish(&message, deadline).await?;
        if !routed {
            bail!(
                "there is no queue for host {}: is its service running?",
                question.host
            );
        }
        Ok(())
    };
    let answer = if question.cast {
        send(&cast).await?;
        Answer::Sent
    } else {
        let mut replies = Inbox::for_replies(messaging, &question.host).await?;
        let msg_id = request::new_id();
        let call = cast.call(request::Reply {
            msg_id: msg_id.clone(),
            reply_q: replies.name().to_owned(),
            monitor_timeout: None,
        });
        send(&call).await?;
        let answer = timeout_at(deadline, reply(&mut replies, &msg_id))
            .await
            .with_context(|| format!("no reply within {} s", question.timeout.as_secs()))??;
        replies.close().await?;
        answer
    };
    publisher.close().await;
    Ok(answer)
}

async fn reply(replies: &mut Inbox, msg_id: &str) -> anyhow::Result<Answer> {
    loop {
        let body = replies.next().await?;
        let received = client::receive(&Properties::JSON, &body)?;
        if received.msg_id != msg_id {
            continue;
        }
        match received.outcome {
            Outcome::Heartbeat => {}
            Outcome::Result(value) => return Ok(Answer::Result(value)),
            Outcome::Failure(failure) => return Ok(Answer::Failure(failure)),
        }
    }
}
