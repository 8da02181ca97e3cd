//! What a reply outside 2xx means: the one table of the array's messages.

use reqwest::StatusCode;
use serde_json::Value;

use super::error::XmsError;

/// The error a reply outside 2xx stands for. `user` and `cluster` are those of the call.
pub(super) fn refusal(
    call: String,
    user: &str,
    cluster: Option<&str>,
    status: StatusCode,
    body: &[u8],
) -> XmsError {
    let (message, code) = read_body(body);
    if matches!(status.as_u16(), 401 | 403) || code == Some(401) {
        return XmsError::Auth {
            user: user.to_owned(),
        };
    }
    if status.is_server_error() {
        return XmsError::Unavailable {
            call,
            status: status.as_u16(),
        };
    }
    if status.is_redirection() {
        return XmsError::Protocol {
            call,
            reason: format!("redirected with status {}", status.as_u16()),
        };
    }
    match message.as_str() {
        "system_is_busy" => XmsError::Busy { call, tries: 1 },
        "too_many_objs" => XmsError::Full { call, message },
        "too_many_snapshots_per_vol" => XmsError::SnapshotLimit { call, message },
        "invalid_vol_size" => XmsError::InvalidSize { call, message },
        "cannot_remove_volume_that_has_a_scheduler" => XmsError::Scheduled { call, message },
        "cluster_id_is_required" => XmsError::ClusterRequired {
            clusters: Vec::new(),
        },
        "sys_not_found" => XmsError::UnknownCluster {
            cluster: cluster.unwrap_or_default().to_owned(),
            clusters: Vec::new(),
        },
        m if m.ends_with("obj_not_found") => XmsError::NotFound { call, message },
        m if m.contains("already_mapped") => XmsError::AlreadyMapped { call, message },
        // Arrays are not documented to word this one way only.
        m if m.starts_with("lun_") && !m.contains("not_found") => {
            XmsError::LunInUse { call, message }
        }
        m if m.ends_with("obj_name_not_unique") || m == "port_address_not_unique" => {
            XmsError::AlreadyExists { call, message }
        }
        m if m.starts_with("Command Syntax Error") || m == "Method not allowed" => {
            XmsError::Syntax { call, message }
        }
        // An unknown URL also answers 404, so only the code inside a 400 speaks of the object.
        _ if status == StatusCode::BAD_REQUEST && matches!(code, Some(404 | 410)) => {
            XmsError::NotFound { call, message }
        }
        _ => XmsError::Refused {
            call,
            status: status.as_u16(),
            message,
        },
    }
}

/// Message and code of an error body; a body that is no such object is described, not quoted.
fn read_body(body: &[u8]) -> (String, Option<u64>) {
    const LONGEST_MESSAGE: usize = 200;
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return (
            format!("body of {} bytes, no JSON object", body.len()),
            None,
        );
    };
    let code = match fields.get("error_code") {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    match fields.get("message") {
        Some(Value::String(message)) => {
            (message.trim().chars().take(LONGEST_MESSAGE).collect(), code)
        }
        _ => ("no message".to_owned(), code),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn of(status: u16, body: &str) -> XmsError {
        refusal(
            "GET volumes name=v".into(),
            "admin",
            Some("xbrick"),
            StatusCode::from_u16(status).unwrap(),
            body.as_bytes(),
        )
    }

    fn of_message(message: &str) -> XmsError {
        of(
            400,
            &format!(r#"{{"message":"{message}","error_code":400}}"#),
        )
    }

    /// Name of the variant, the part of Debug before its fields.
    fn variant(error: &XmsError) -> String {
        let debug = format!("{error:?}");
        debug.split([' ', '{', '(']).next().unwrap().to_owned()
    }

    #[test]
    fn every_message_of_the_array_has_its_meaning() {
        for (message, expected) in [
            ("obj_not_found", "NotFound"),
            ("vol_obj_not_found", "NotFound"),
            ("ig_obj_not_found", "NotFound"),
            ("vol_obj_name_not_unique", "AlreadyExists"),
            ("cg_obj_name_not_unique", "AlreadyExists"),
            ("vol_already_mapped", "AlreadyMapped"),
            ("ig_and_vol_already_mapped_to_tg", "AlreadyMapped"),
            ("port_address_not_unique", "AlreadyExists"),
            ("lun_in_use", "LunInUse"),
            ("lun_not_unique", "LunInUse"),
            ("system_is_busy", "Busy"),
            ("too_many_objs", "Full"),
            ("too_many_snapshots_per_vol", "SnapshotLimit"),
            ("invalid_vol_size", "InvalidSize"),
            ("cluster_id_is_required", "ClusterRequired"),
            ("sys_not_found", "UnknownCluster"),
            ("cannot_remove_volume_that_has_a_scheduler", "Scheduled"),
            (
                "Command Syntax Error: Invalid property parent-folder-id",
                "Syntax",
            ),
            ("Method not allowed", "Syntax"),
            // Seen when an index meets cluster-name in the URL: the object may well exist.
            ("initiator_not_found", "Refused"),
            ("something_new", "Refused"),
        ] {
            assert_eq!(variant(&of_message(message)), expected, "{message}");
        }
    }

    #[test]
    fn statuses_and_odd_bodies_have_their_meaning() {
        for (status, body, expected) in [
            (401, "", "Auth"),
            (401, "<html>nope</html>", "Auth"),
            (403, r#"{"message":"read only role"}"#, "Auth"),
            (400, r#"{"message":"bad login","error_code":401}"#, "Auth"),
            (400, r#"{"message":"gone","error_code":410}"#, "NotFound"),
            (400, r#"{"message":"gone","error_code":"404"}"#, "NotFound"),
            (
                404,
                r#"{"message":"no such type","error_code":404}"#,
                "Refused",
            ),
            (
                404,
                r#"{"message":"vol_obj_not_found","error_code":404}"#,
                "NotFound",
            ),
            (500, r#"{"message":"system_is_busy"}"#, "Unavailable"),
            (503, "<html>down</html>", "Unavailable"),
            (302, "", "Protocol"),
            (400, "", "Refused"),
            (400, "[]", "Refused"),
            (400, "{\"message\":", "Refused"),
            (400, r#"{"error_code":400}"#, "Refused"),
            (400, r#"{"message":null}"#, "Refused"),
        ] {
            assert_eq!(variant(&of(status, body)), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_foreign_body_is_described_and_a_long_message_cut() {
        let html = of(400, "<html>secret page</html>").to_string();
        assert!(
            html.contains("24 bytes") && !html.contains("secret"),
            "{html}"
        );
        let long = of_message(&"x".repeat(5000)).to_string();
        assert!(long.len() < 300, "{}", long.len());
    }

    proptest::proptest! {
        #[test]
        fn no_body_is_too_odd(status in 300u16..600, body: Vec<u8>) {
            let status = StatusCode::from_u16(status).unwrap();
            let error = refusal("GET volumes".into(), "admin", None, status, &body);
            proptest::prop_assert!(error.to_string().len() < 1000);
        }
    }

    #[test]
    fn only_what_heals_by_itself_is_transient() {
        assert!(of_message("system_is_busy").is_transient());
        assert!(!of_message("system_is_busy").is_unanswered());
        assert!(of(502, "").is_unanswered() && of(502, "").is_transient());
        for message in ["obj_not_found", "too_many_objs", "cluster_id_is_required"] {
            assert!(!of_message(message).is_transient(), "{message}");
        }
        assert!(!of(401, "").is_transient());
    }
}
