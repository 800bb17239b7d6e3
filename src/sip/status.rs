//! Status codes and their standard reason phrases (RFC 3261 §21 and extensions).

/// The standard phrase; the class's for a code we have none for.
pub fn reason(status: u16) -> &'static str {
    match status {
        100..=199 => provisional(status),
        200..=299 => success(status),
        300..=399 => redirection(status),
        400..=499 => client_error(status),
        500..=599 => server_error(status),
        _ => global_failure(status),
    }
}

fn provisional(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        // RFC 6228
        199 => "Early Dialog Terminated",
        _ => "In Progress",
    }
}

fn success(status: u16) -> &'static str {
    match status {
        // RFC 6665
        202 => "Accepted",
        // RFC 5839
        204 => "No Notification",
        _ => "OK",
    }
}

fn redirection(status: u16) -> &'static str {
    match status {
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        _ => "Redirection",
    }
}

fn client_error(status: u16) -> &'static str {
    match status {
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        // RFC 3903
        412 => "Conditional Request Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        // RFC 4412
        417 => "Unknown Resource-Priority",
        420 => "Bad Extension",
        421 => "Extension Required",
        // RFC 4028
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        // RFC 6442
        424 => "Bad Location Information",
        // RFC 8224
        428 => "Use Identity Header",
        // RFC 3892
        429 => "Provide Referrer Identity",
        // RFC 5626
        430 => "Flow Failed",
        // RFC 5079
        433 => "Anonymity Disallowed",
        // RFC 8224
        436 => "Bad Identity Info",
        437 => "Unsupported Credential",
        438 => "Invalid Identity Header",
        // RFC 5626
        439 => "First Hop Lacks Outbound Support",
        // RFC 5393
        440 => "Max-Breadth Exceeded",
        // RFC 6086
        469 => "Bad Info Package",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        // RFC 6665
        489 => "Bad Event",
        491 => "Request Pending",
        493 => "Undecipherable",
        // RFC 3329
        494 => "Security Agreement Required",
        _ => "Bad Request",
    }
}

fn server_error(status: u16) -> &'static str {
    match status {
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        // RFC 8599
        555 => "Push Notification Service Not Supported",
        // RFC 3312
        580 => "Precondition Failure",
        _ => "Server Internal Error",
    }
}

fn global_failure(status: u16) -> &'static str {
    match status {
        600 => "Busy Everywhere",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        // RFC 8197
        607 => "Unwanted",
        // RFC 8688
        608 => "Rejected",
        _ => "Decline",
    }
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn known_codes_have_their_phrase_and_unknown_ones_their_class() {
        assert_eq!(reason(422), "Session Interval Too Small");
        assert_eq!(reason(491), "Request Pending");
        assert_eq!(reason(499), reason(400));
        assert_eq!(reason(599), reason(500));
        assert_eq!(reason(699), reason(603));
        assert_eq!(reason(299), reason(200));
        assert_eq!(reason(150), "In Progress");
    }
}
