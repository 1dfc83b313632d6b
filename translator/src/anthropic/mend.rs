//! A history that holds other vendors' state, mended for this vendor: blocks that only carry such state are taken out,
//! every other block stays as the client wrote it.
//!
//! Thinking of the newest models is bound to all that stands before it, so that a translation, which writes blocks anew,
//! would make it worthless. Where taking out is not enough, `None`: then a translation must do.

use super::encode_turns::is_usable;
use crate::envelope;
use crate::json::{self, Writer};
use crate::text::Text;
use crate::translate::Target;

/// A mended body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// The body.
    pub body: Vec<u8>,
    /// State was left out that the client had returned.
    pub lost: bool,
}

/// Mends a body for a target; `body` must be a JSON object.
#[must_use]
pub fn mend(body: &str, target: &Target<'_>) -> Option<Mended> {
    let mut mender = Mender {
        target,
        lost: false,
        loops: Vec::new(),
    };
    let mut out = Vec::with_capacity(body.len());
    let mut whole = Some(());
    Writer::new(&mut out).object(|w| {
        for (name, range) in json::members(body) {
            let raw = &body[range];
            if name != "messages" {
                w.raw(&name, raw);
                continue;
            }
            w.array_in("messages", |w| {
                for message in json::elements(raw) {
                    if whole.is_some() {
                        whole = mender.message(message, w);
                    }
                }
            });
        }
    });
    whole?;
    let thinking = json::member(body, "thinking").and_then(|raw| json::member(raw, "type"));
    if thinking == Some("\"enabled\"") && mender.open_loop_lacks_thinking() {
        return None;
    }
    Some(Mended {
        body: out,
        lost: mender.lost,
    })
}

struct Mender<'t> {
    target: &'t Target<'t>,
    lost: bool,
    /// What the messages are to a loop of tools.
    loops: Vec<Step>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The assistant, thinking first or not.
    Assistant {
        thinks: bool,
    },
    /// The results of its calls.
    Results,
    Other,
}

impl Mender<'_> {
    fn message(&mut self, message: &str, w: &mut Writer<'_>) -> Option<()> {
        let content = json::member(message, "content").unwrap_or("");
        let is_assistant = json::member(message, "role") == Some("\"assistant\"");
        if !is_assistant || !content.starts_with('[') {
            let results = json::elements(content).any(|block| is(block, "\"tool_result\""));
            self.loops.push(match (is_assistant, results) {
                (true, _) => Step::Assistant { thinks: false },
                (false, true) => Step::Results,
                (false, false) => Step::Other,
            });
            w.item_raw(message);
            return Some(());
        }
        let blocks = self.blocks(content);
        let is_thinking = |block: &String| is(block, "\"thinking\"");
        let adjacent = blocks.windows(2).any(|pair| pair.iter().all(is_thinking));
        let thinks = |block: &String| is_thinking(block) || is(block, "\"redacted_thinking\"");
        if adjacent || blocks.last().is_none_or(thinks) {
            return None;
        }
        self.loops.push(Step::Assistant {
            thinks: blocks.first().is_some_and(thinks),
        });
        w.object(|w| {
            for (name, range) in json::members(message) {
                if name == "content" {
                    w.array_in("content", |w| {
                        blocks.iter().for_each(|block| w.item_raw(block));
                    });
                } else {
                    w.raw(&name, &message[range]);
                }
            }
        });
        Some(())
    }

    fn blocks(&mut self, content: &str) -> Vec<String> {
        let mut out = Vec::new();
        for block in json::elements(content) {
            let carrier = match json::member(block, "type") {
                Some("\"thinking\"") => "signature",
                Some("\"redacted_thinking\"") => "data",
                _ => {
                    out.push(without_sealed_citations(block));
                    continue;
                }
            };
            let sealed = json::member(block, carrier).filter(|raw| raw.starts_with('"'));
            let sealed = sealed.map(|raw| Text::Json(raw).as_str().into_owned());
            match sealed.filter(|text| envelope::is_envelope(text)) {
                None => out.push(block.to_owned()),
                Some(sealed) => {
                    let states = envelope::open(&sealed).unwrap_or_default();
                    let ours: Vec<String> = states
                        .iter()
                        .filter(|state| is_usable(state, self.target))
                        .map(|state| state.state.clone().into_owned())
                        .collect();
                    self.lost |= ours.is_empty() && !states.is_empty();
                    out.extend(ours);
                }
            }
        }
        out
    }

    /// A loop of tools is under way in which an answer lacks its thinking.
    fn open_loop_lacks_thinking(&self) -> bool {
        let mut steps = self.loops.as_slice();
        while let [rest @ .., Step::Assistant { thinks }, Step::Results] = steps {
            if !thinks {
                return true;
            }
            steps = rest;
        }
        false
    }
}

fn is(block: &str, tag: &str) -> bool {
    json::member(block, "type") == Some(tag)
}

/// Sources that another vendor found have no index here.
fn without_sealed_citations(block: &str) -> String {
    let sealed = json::member(block, "citations").is_some_and(|raw| raw.contains(envelope::PREFIX));
    if !sealed {
        return block.to_owned();
    }
    let mut out = Vec::with_capacity(block.len());
    Writer::new(&mut out).object(|w| {
        for (name, range) in json::members(block).filter(|(name, _)| name != "citations") {
            w.raw(&name, &block[range]);
        }
    });
    crate::ir::into_string(out)
}

#[cfg(test)]
mod tests {
    use super::super::proof::target;
    use super::*;
    use crate::Dialect;
    use crate::ir::{Opaque, OpaqueKind};

    fn sealed(origin: Dialect, state: &'static str) -> String {
        envelope::seal(&[Opaque {
            origin,
            provider: Some("claude".into()),
            model: None,
            kind: match origin {
                Dialect::Anthropic => OpaqueKind::Thinking,
                _ => OpaqueKind::Signature,
            },
            state: state.into(),
        }])
    }

    fn body(thinking: &str, blocks: &[String]) -> String {
        format!(
            r#"{{"model":"m","thinking":{{"type":"{thinking}"}},"messages":[{{"role":"user","content":[{{"type":"text","text":"q","x":1}}]}},{{"role":"assistant","content":[{}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"a","content":[{{"type":"text","text":"r"}}]}}]}}]}}"#,
            blocks.join(",")
        )
    }

    const CALL: &str = r#"{"type":"tool_use","id":"a","name":"f","input":{ "n": 1.0 },"caller":{"type":"direct"}}"#;
    const OWN: &str = r#"{"type":"thinking","thinking":"","signature":"EqQB"}"#;

    #[test]
    fn only_what_is_foreign_goes() {
        let aim = target("claude-opus-5-5");
        let foreign = format!(
            r#"{{"type":"redacted_thinking","data":"{}"}}"#,
            sealed(Dialect::Gemini, "c2ln")
        );
        let returned = format!(
            r#"{{"type":"thinking","thinking":"x","signature":"{}"}}"#,
            sealed(Dialect::Anthropic, OWN)
        );
        let source = |blocks: &[String]| body("adaptive", blocks);
        let cases: [(&str, Vec<String>, Vec<String>, bool); 3] = [
            (
                "foreign",
                vec![foreign.clone(), CALL.into()],
                vec![CALL.into()],
                true,
            ),
            (
                "its own",
                vec![returned, CALL.into()],
                vec![OWN.into(), CALL.into()],
                false,
            ),
            (
                "both",
                vec![OWN.into(), foreign, CALL.into()],
                vec![OWN.into(), CALL.into()],
                true,
            ),
        ];
        for (case, given, want, lost) in cases {
            let mended = mend(&source(&given), &aim).expect(case);
            let text = String::from_utf8(mended.body).expect("is text");
            assert_eq!(text, source(&want), "{case}");
            assert_eq!(mended.lost, lost, "{case}");
        }
    }

    #[test]
    fn what_cannot_be_mended_is_left_to_a_translation() {
        let aim = target("claude-sonnet-4-5");
        let foreign = format!(
            r#"{{"type":"thinking","thinking":"x","signature":"{}"}}"#,
            sealed(Dialect::Gemini, "c2ln")
        );
        let loop_without = body("enabled", &[foreign.clone(), CALL.into()]);
        assert_eq!(
            mend(&loop_without, &aim),
            None,
            "a loop without its thinking"
        );
        assert!(mend(&body("adaptive", &[foreign.clone(), CALL.into()]), &aim).is_some());
        assert_eq!(
            mend(&body("adaptive", &[foreign]), &aim),
            None,
            "nothing left"
        );
        let ends = [CALL.into(), OWN.into()];
        assert_eq!(
            mend(&body("adaptive", &ends), &aim),
            None,
            "thinking at the end"
        );
    }
}
