//! Notifications by e-mail, over one configured relay.

use std::time::Duration;

use lettre::message::{Mailbox, MessageBuilder, header::ContentType};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncTransport, Tokio1Executor};

use crate::message::Message;

/// How long a relay may take for one message.
const RELAY_TIMEOUT: Duration = Duration::from_secs(20);

/// The mail server that takes our messages, and who sends them.
#[derive(Clone)]
pub struct MailRelay {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl std::fmt::Debug for MailRelay {
    /// Without the relay's password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailRelay").field("from", &self.from).finish_non_exhaustive()
    }
}

/// Why a relay cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The URL has another form.
    #[error(
        "{0} (expected smtp://HOST[:25], smtp://USER:PASSWORD@HOST:587?tls=required or smtps://HOST)"
    )]
    Url(String),
    /// The sender is no address.
    #[error("the sender is no mail address: {0}")]
    Sender(String),
}

impl MailRelay {
    /// A relay by its URL: `smtp://` in the clear, `smtp://…?tls=required` with STARTTLS, `smtps://`
    /// over TLS; user and password in front of the host. Nothing is connected yet.
    ///
    /// # Errors
    /// When the URL or the sender cannot be read.
    pub fn new(url: &str, from: &str) -> Result<Self, RelayError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|error| RelayError::Url(error.to_string()))?
            .timeout(Some(RELAY_TIMEOUT))
            .build();
        let from = from.parse().map_err(|error: lettre::address::AddressError| {
            RelayError::Sender(error.to_string())
        })?;
        Ok(Self { transport, from })
    }

    /// Hands one message to the relay.
    pub(crate) async fn send(&self, to: &str, message: &Message) -> Result<(), MailError> {
        let to: Mailbox =
            to.parse().map_err(|_| MailError::Permanent("no mail address".to_owned()))?;
        let mail =
            self.mail(to, message).map_err(|error| MailError::Permanent(error.to_string()))?;
        match self.transport.send(mail).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(MailError::Permanent(error.to_string())),
            Err(error) => Err(MailError::Passing(error.to_string())),
        }
    }

    fn mail(
        &self,
        to: Mailbox,
        message: &Message,
    ) -> Result<lettre::Message, lettre::error::Error> {
        let mut mail: MessageBuilder = lettre::Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&message.name)
            .header(ContentType::TEXT_PLAIN)
            .message_id(None);
        // Mail programs show the end of an outage below its beginning.
        if let Some(id) = &message.alert_correlation_id {
            mail = mail.references(format!("<{id}@{}>", self.from.email.domain()));
        }
        mail.body(format!(
            "{}\n\nAccount: {}\nPolicy: {} ({})\n",
            message.text, message.account_id, message.policy_name, message.policy_id
        ))
    }
}

/// How the relay refused.
#[derive(Debug)]
pub(crate) enum MailError {
    /// Trying again is of no use.
    Permanent(String),
    /// It may go better later.
    Passing(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::outage;

    #[test]
    fn relays_are_read() {
        for (url, from, is_good) in [
            ("smtp://127.0.0.1:25", "evenkeel@example.com", true),
            ("smtps://user:secret@mail.example.com", "Evenkeel <evenkeel@example.com>", true),
            ("smtp://mail.example.com:587?tls=required", "evenkeel@example.com", true),
            ("http://mail.example.com", "evenkeel@example.com", false),
            ("mail.example.com", "evenkeel@example.com", false),
            ("smtp://mail.example.com", "nobody", false),
        ] {
            assert_eq!(MailRelay::new(url, from).is_ok(), is_good, "{url} {from}");
        }
    }

    #[tokio::test]
    async fn a_mail_says_what_happened() {
        let relay = MailRelay::new("smtp://127.0.0.1:25", "evenkeel@example.com").unwrap();
        let mail = relay.mail("oncall@example.com".parse().unwrap(), &outage()).unwrap();
        let text = String::from_utf8(mail.formatted()).unwrap();
        assert!(text.contains("Subject: Endpoint a of pool eu-west is unhealthy"), "{text}");
        assert!(
            text.contains("References: <77777777777777777777777777777777@example.com>"),
            "{text}"
        );
        assert!(text.contains("TCP connection failed"), "{text}");
    }
}
