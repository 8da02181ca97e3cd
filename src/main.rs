//! Arguments, configuration, application, exit code.

use std::process::ExitCode;

use cinder_volume_xtremio::cli::args::{Cli, Command};
use cinder_volume_xtremio::cli::{
    call, check_config, complain, data_path, demo, drain, ops, serve, simulate_xms,
};
#[cfg(debug_assertions)]
use cinder_volume_xtremio::{cli::say, kill::Point};
use clap::Parser;

fn main() -> ExitCode {
    let command = Cli::parse().into_command();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        match command {
            Command::Serve(args) => serve::run(args).await,
            Command::Call(args) => call::run(args).await,
            Command::SimulateXms(args) => simulate_xms::main(args).await,
            Command::CheckConfig(args) => check_config::run(&args),
            Command::Drain(args) => drain::run(args).await,
            Command::DataPath(args) => data_path::run(args).await,
            Command::Ops(args) => ops::run(args).await,
            Command::Demo => demo::main().await,
            #[cfg(debug_assertions)]
            Command::KillPoints => {
                for point in Point::ALL {
                    say(point.name());
                }
                ExitCode::SUCCESS
            }
        }
    })
}
