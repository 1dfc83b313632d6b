//! `POST /v1/responses/compact`: the short form of a conversation.
//!
//! A provider of the same dialect does it itself. For all others the model is asked for a summary, which travels in
//! the item that the client puts in front of what comes next; the hub opens it there again.

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use translator::error::{Failure, FailureKind};
use translator::ident::Ids;
use translator::json::{self, Writer};
use translator::{Dialect, envelope, foreign};

use super::attempt;
use super::body::AnswerBody;
use super::generate::{self, Frame};
use super::order::{Order, Purpose};
use super::peek::Peek;
use super::prepare::seconds_since_epoch;
use super::reply;
use super::route::Ingress;
use super::service::Caller;
use super::settle::Account;
use super::verdict::Verdict;
use crate::ledger::Outcome;

/// What the model is asked for.
const WISH: &str = "Summarise the conversation so far, so that the work can be continued from the summary alone. \
Say what the user wants, in their own words where the wording matters; what was done, decided and found out, with \
names, paths, figures and code that are still needed; what is open, and what the next step would be. Write the summary \
only, without an introduction.";

/// Members of the request that the model needs for a summary.
const KEPT: [&str; 3] = ["model", "instructions", "prompt_cache_key"];

/// Answers a request for the short form.
pub(super) async fn answer(caller: Caller, request: Request<Incoming>) -> Response<AnswerBody> {
    let dialect = Dialect::OpenAiResponses;
    let mut account = Account::open(
        &caller.hub,
        &caller.request_id,
        "compact",
        dialect,
        request.headers(),
    );
    let request_id = caller.request_id.clone();
    let ingress = Ingress::of(dialect);
    let ordered = generate::order(caller, &ingress, request, &mut account).await;
    let prepared = ordered.and_then(|mut order| {
        let native = prepare(&mut order)?;
        Ok((order, native))
    });
    let (mut order, native) = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => {
            let response = reply::failure(dialect, &failure, &request_id);
            let status = response.status().as_u16();
            account.failed(&failure);
            account.close(Outcome::Error, status, None, Some(failure.message));
            return response;
        }
    };
    let frame = Frame::of(&mut order);
    match Box::pin(attempt::run(order, account)).await {
        Verdict::Whole(whole) if native => frame.whole(*whole),
        Verdict::Whole(mut whole) => match compaction(&whole.body) {
            Ok(body) => {
                whole.body = body;
                frame.whole(*whole)
            }
            Err(failure) => frame.refused(&failure, whole.account),
        },
        Verdict::Lost(lost) => frame.lost(*lost),
        Verdict::Begun(begun) => {
            let words = "a stream came where an answer was expected";
            frame.refused(&Failure::new(FailureKind::Internal, words), begun.account)
        }
    }
}

/// Makes the order one for the provider's own short form, or one for a summary; says which.
fn prepare(order: &mut Order) -> Result<bool, Failure> {
    order.keep_input = None;
    order.stream = false;
    let native = order.targets.first().is_some_and(|target| {
        target.provider.dialect == Dialect::OpenAiResponses
            && !order.peek.sealed
            && !foreign::found_in(Dialect::OpenAiResponses, &target.model, &order.body)
    });
    if native {
        order.purpose = Purpose::Compact;
        order
            .targets
            .retain(|target| target.provider.dialect == Dialect::OpenAiResponses);
    } else {
        order.body = summary_request(&order.body)?;
        order.peek = Peek::at(&order.body)?;
        order.original = None;
    }
    Ok(native)
}

/// The request for a summary: the conversation, and the wish behind it.
fn summary_request(body: &[u8]) -> Result<Bytes, Failure> {
    let document = std::str::from_utf8(body).unwrap_or("{}");
    let empty = || {
        let words = "there is nothing to compact: input is empty";
        Failure::new(FailureKind::InvalidRequest, words).with_param("input")
    };
    let input = json::member(document, "input").ok_or_else(empty)?;
    let mut out = Vec::with_capacity(body.len() + WISH.len() + 128);
    let mut items = 0;
    Writer::new(&mut out).object(|w| {
        for (name, range) in json::members(document).filter(|(name, _)| KEPT.contains(&&**name)) {
            w.raw(&name, &document[range]);
        }
        w.bool("store", false);
        w.array_in("input", |w| {
            let message = |w: &mut Writer<'_>, text: &str| {
                w.object(|w| {
                    w.str("role", "user");
                    w.raw("content", text);
                });
            };
            if input.starts_with('"') {
                items += 1;
                message(w, input);
            }
            for item in json::elements(input) {
                items += 1;
                w.item_raw(item);
            }
            let mut wish = Vec::new();
            json::escape_into(WISH, &mut wish);
            message(w, &String::from_utf8(wish).unwrap_or_default());
        });
    });
    if items == 0 {
        return Err(empty());
    }
    Ok(Bytes::from(out))
}

/// The short form that holds the model's summary.
fn compaction(answer: &[u8]) -> Result<Bytes, Failure> {
    let value: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    let words: String = value["output"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|item| item["type"] == "message")
        .flat_map(|item| item["content"].as_array().into_iter().flatten())
        .filter_map(|part| part["text"].as_str())
        .collect();
    if words.trim().is_empty() || value["status"] != "completed" {
        let words = "the model gave no complete summary";
        return Err(Failure::new(FailureKind::Upstream, words));
    }
    let mut ids = Ids::new(fastrand::u128(..));
    let mut out = Vec::with_capacity(words.len() * 2 + 256);
    Writer::new(&mut out).object(|w| {
        w.str("id", &ids.next("resp_"));
        w.str("object", "response.compaction");
        w.uint("created_at", seconds_since_epoch());
        w.array_in("output", |w| {
            w.object(|w| {
                w.str("id", &ids.next("cmp_"));
                w.str("type", "compaction");
                w.str("encrypted_content", &envelope::seal_summary(words.trim()));
            });
        });
        w.raw("usage", &value["usage"].to_string());
    });
    Ok(Bytes::from(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wish_stands_behind_the_conversation() {
        let body = br#"{"model":"m","input":"hi","tools":[],"instructions":"be brief"}"#;
        let request = summary_request(body).expect("an input");
        let value: serde_json::Value = serde_json::from_slice(&request).expect("JSON");
        assert_eq!(value["input"][0]["content"], "hi");
        assert_eq!(value["input"][1]["content"], WISH);
        assert_eq!(value["instructions"], "be brief");
        assert!(value["tools"].is_null() && value["store"] == false);
        for nothing in [
            &br#"{"model":"m"}"#[..],
            br#"{"input":[]}"#,
            br#"{"input":null}"#,
        ] {
            assert!(summary_request(nothing).is_err());
        }
    }
}
