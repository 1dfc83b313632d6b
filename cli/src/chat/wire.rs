//! The line to a model: a conversation written in a dialect and sent to the hub's endpoint of that dialect, and the
//! stream that comes back.

use serde_json::Value;
use translator::answer::Answer;
use translator::sse::Decoder;
use translator::translate::{self, Origin, StreamTranslation, Target};
use translator::undo::Undo;
use translator::{Dialect, capability};

use super::answer::{Piece, Reading};
use super::conversation::Conversation;
use crate::client::{Call, Client};
use crate::data_plane::generation;
use crate::failure::{Ended, Failure};

/// The line to a model.
pub(crate) struct Line {
    /// The way to the hub, with a client key.
    pub(crate) client: Client,
    /// The dialect to speak.
    pub(crate) dialect: Dialect,
    /// Whether events are shown as they come, instead of what they say.
    pub(crate) is_raw: bool,
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// What the model said.
    pub(super) text: String,
    /// Who served it, as the hub says.
    pub(super) served_by: String,
    /// Tokens in and out.
    pub(super) tokens: Option<(u64, u64)>,
    /// Why it ended, where that was not its end.
    pub(super) cut: Option<String>,
}

/// A request as it is sent.
struct Sent {
    call: Call,
    undo: Undo,
    answer: Answer,
}

impl Line {
    /// Asks, and passes pieces of the answer on as they come.
    pub(super) async fn ask(
        &self,
        conversation: &Conversation,
        mut listener: impl FnMut(Piece<'_>) -> Ended,
    ) -> Ended<Heard> {
        let Sent { call, undo, answer } = self.write(conversation)?;
        let mut response = self.client.open(&call).await?;
        let header = |name: &str| {
            let value = response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let served_by = format!(
            "{}/{}",
            header("x-bridge-provider"),
            header("x-bridge-model")
        );
        let origin = Origin {
            provider: "hub",
            model: &conversation.model,
        };
        // What the hub says in its dialect is read as a Chat client would get it.
        let mut translation = (self.dialect != Dialect::OpenAiChat)
            .then(|| StreamTranslation::new(self.dialect, &origin, &undo, answer));
        let mut raw = Decoder::default();
        let mut reading = Reading::default();
        let mut chat = Vec::new();
        while let Some(chunk) = self.client.chunk(&mut response).await? {
            if self.is_raw {
                pass(&mut raw, &chunk, &mut listener)?;
            }
            chat.clear();
            match &mut translation {
                Some(translation) => translation.feed(&chunk, &mut chat),
                None => chat.extend_from_slice(&chunk),
            }
            reading.feed(
                &chat,
                |piece| if self.is_raw { Ok(()) } else { listener(piece) },
            )?;
        }
        if let Some(translation) = &mut translation {
            chat.clear();
            translation.end(&mut chat);
            reading.feed(
                &chat,
                |piece| if self.is_raw { Ok(()) } else { listener(piece) },
            )?;
        }
        let mut heard = reading.end()?;
        heard.served_by = served_by;
        Ok(heard)
    }

    fn write(&self, conversation: &Conversation) -> Ended<Sent> {
        let chat = conversation.request().to_string();
        let request = Dialect::OpenAiChat
            .decode_request(chat.as_bytes(), &translate::no_recall)
            .map_err(|refusal| Failure::usage(refusal.to_string()))?;
        let answer = Answer::new(&request, 0, 0);
        let model = conversation.model.as_str();
        let (body, headers, undo) = if self.dialect == Dialect::OpenAiChat {
            (chat.into_bytes(), Vec::new(), Undo::default())
        } else {
            let target = Target {
                dialect: self.dialect,
                provider: "hub",
                model,
                capability: capability::of(self.dialect, model),
                stream: true,
                cache_key: None,
                auto_cache: false,
                drop_state: false,
            };
            let outbound = translate::request(request, &target, false)
                .map_err(|refusal| Failure::usage(refusal.to_string()))?;
            (outbound.body, outbound.headers, outbound.undo)
        };
        let body: Value =
            serde_json::from_slice(&body).map_err(|error| Failure::failed(error.to_string()))?;
        let mut call = generation(self.dialect, model, true, body);
        for (name, value) in headers {
            call = call.header(name, &value);
        }
        Ok(Sent { call, undo, answer })
    }
}

/// Events as they came.
fn pass(
    decoder: &mut Decoder,
    chunk: &[u8],
    listener: &mut impl FnMut(Piece<'_>) -> Ended,
) -> Ended {
    let mut ended = Ok(());
    let fed = decoder.feed(chunk, |frame| {
        if ended.is_ok() {
            ended = listener(Piece::Event(frame.event, frame.data));
        }
    });
    fed.map_err(|error| Failure::failed(error.to_string()))?;
    ended
}
