//! Sampling, limits and account members, written.

use super::encode_request::{Draft, borrow};
use crate::capability::Sampling as Takes;
use crate::ir::Tier;
use crate::json::Writer;
use crate::member::Member;
use crate::{Dialect, Text, ident};

/// Largest number of alternatives in log probabilities.
const TOP_LOGPROBS_MAX: u64 = 20;

impl Draft<'_> {
    /// Writes temperature and its kin. `reasons`: the model will reason, which forbids them on some models.
    pub(super) fn sampling(&mut self, reasons: bool, w: &mut Writer<'_>) {
        let sampling = &self.request.sampling;
        let takes = match self.capability.sampling {
            Takes::Yes => true,
            Takes::WithoutReasoning => !reasons,
            Takes::No => false,
        };
        let temperature = (0.0, self.capability.temperature_max);
        self.number(
            "temperature",
            Member::Temperature,
            sampling.temperature,
            takes,
            temperature,
            1.0,
            w,
        );
        let exclusive = self.capability.exclusive_sampling && sampling.temperature.is_some();
        self.number(
            "top_p",
            Member::TopP,
            sampling.top_p,
            takes && !exclusive,
            (0.0, 1.0),
            1.0,
            w,
        );
        let bare = reasons && self.capability.chat.bare_reasoning;
        let penalties = takes && self.capability.penalties && !bare;
        let bounds = (-2.0, 2.0);
        let frequency = sampling.frequency_penalty;
        self.number(
            "frequency_penalty",
            Member::FrequencyPenalty,
            frequency,
            penalties,
            bounds,
            0.0,
            w,
        );
        let presence = sampling.presence_penalty;
        self.number(
            "presence_penalty",
            Member::PresencePenalty,
            presence,
            penalties,
            bounds,
            0.0,
            w,
        );
        let top_k = self.capability.top_k || (self.is_native() && !self.capability.openai_members);
        self.number(
            "top_k",
            Member::TopK,
            sampling.top_k,
            top_k,
            (0.0, f64::MAX),
            f64::NAN,
            w,
        );
        if let Some(seed) = sampling.seed {
            if self.capability.seed {
                let key = if self.capability.chat.random_seed {
                    "random_seed"
                } else {
                    "seed"
                };
                w.int(key, seed);
            } else {
                self.report
                    .dropped(self.member(Member::Seed), "the model takes no seed");
            }
        }
        self.logprobs(w);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one row of a table of sampling parameters"
    )]
    fn number(
        &mut self,
        key: &'static str,
        member: Member,
        value: Option<f64>,
        takes: bool,
        (least, most): (f64, f64),
        default: f64,
        w: &mut Writer<'_>,
    ) {
        let Some(value) = value else { return };
        #[expect(clippy::float_cmp, reason = "the default is an exact value")]
        let is_default = value == default;
        if !takes {
            if !is_default {
                self.report.dropped(
                    self.member(member),
                    format!("the model takes no {key} here"),
                );
            }
            return;
        }
        let clamped = value.clamp(least, most);
        if !(least..=most).contains(&value) {
            self.report.clamped(
                self.member(member),
                format!("{value} is outside {least} to {most}"),
            );
        }
        w.float(key, clamped);
    }

    fn logprobs(&mut self, w: &mut Writer<'_>) {
        let Some(top) = self.request.logprobs else {
            return;
        };
        if !self.capability.logprobs {
            return self.report.dropped(
                self.member(Member::Logprobs),
                "the model gives no log probabilities",
            );
        }
        w.bool("logprobs", true);
        if top > TOP_LOGPROBS_MAX {
            self.report
                .clamped(self.member(Member::Logprobs), "at most 20 alternatives");
        }
        if top > 0 {
            w.uint("top_logprobs", top.min(TOP_LOGPROBS_MAX));
        }
        // A known limitation: answers carry no log probabilities through the common representation.
        self.report.degraded(
            self.member(Member::Logprobs),
            "log probabilities are not part of a translated answer",
        );
    }

    /// Writes the output limit, stop sequences, `n` and verbosity.
    pub(super) fn limits(&mut self, reasons: bool, w: &mut Writer<'_>) {
        if let Some(wish) = self.request.max_output {
            let most = self.capability.max_output.unwrap_or(u64::MAX);
            if wish > most {
                self.report.clamped(
                    self.member(Member::MaxOutput),
                    format!("the model gives at most {most} tokens"),
                );
            }
            let key = if self.capability.legacy_max_tokens {
                "max_tokens"
            } else {
                "max_completion_tokens"
            };
            w.uint(key, wish.min(most).max(1));
        }
        self.stop(reasons, w);
        if let Some(n) = self.request.n.filter(|n| *n > 1) {
            w.uint("n", n);
        }
        if let Some(verbosity) = self.request.verbosity.as_deref()
            && (self.capability.openai_members || self.is_native())
        {
            w.str("verbosity", verbosity);
        }
    }

    /// The first stop sequences go upstream, the hub watches for the rest.
    fn stop(&mut self, reasons: bool, w: &mut Writer<'_>) {
        let mut all: Vec<Text<'_>> = Vec::new();
        for text in &self.request.stop {
            if !text.is_empty() && !all.contains(text) {
                all.push(borrow(text));
            }
        }
        let bare = reasons && self.capability.chat.bare_reasoning;
        let most = if bare { 0 } else { self.capability.stop_max };
        let (sent, watched) = all.split_at(all.len().min(most));
        if !sent.is_empty() {
            w.array_in("stop", |w| sent.iter().for_each(|text| w.item_text(text)));
        }
        if !watched.is_empty() {
            self.undo
                .stop
                .extend(watched.iter().map(|text| text.as_str().into_owned()));
            self.report.emulated(
                self.member(Member::Stop),
                "the hub watches the answer for stop sequences",
            );
        }
    }

    /// Writes what concerns the account: user, tier, storage, prompt cache.
    pub(super) fn account(&mut self, w: &mut Writer<'_>) {
        let (request, native) = (self.request, self.is_native());
        let known = self.capability.openai_members;
        self.user(w);
        self.tier(w);
        let store = request.store.filter(|_| native);
        if let Some(store) = store {
            w.bool("store", store);
        }
        // The service takes metadata for stored answers only; a client of this dialect knows that itself.
        if let Some(metadata) = request.metadata.as_deref().filter(|_| native) {
            w.raw("metadata", metadata);
        }
        if !known {
            return;
        }
        let derived = self.target.cache_key.map(Text::borrowed);
        if let Some(key) = request.cache.key.as_ref().map(borrow).or(derived) {
            w.text("prompt_cache_key", &key);
        }
        if request.cache.explicit && self.capability.cache_marks && !native {
            w.object_in("prompt_cache_options", |w| w.str("mode", "explicit"));
        }
    }

    fn user(&self, w: &mut Writer<'_>) {
        let Some(user) = &self.request.user else {
            return;
        };
        match self.request.dialect {
            // Anthropic clients write device and account ids here.
            Dialect::Anthropic | Dialect::Gemini if self.capability.openai_members => {
                w.str(
                    "safety_identifier",
                    &format!("u_{}", ident::hash_hex(&user.as_str(), 40)),
                );
            }
            Dialect::Anthropic | Dialect::Gemini => {}
            Dialect::OpenAiChat | Dialect::OpenAiResponses => {
                let key = if self.capability.openai_members {
                    "safety_identifier"
                } else {
                    "user"
                };
                w.text(key, user);
            }
        }
    }

    fn tier(&mut self, w: &mut Writer<'_>) {
        let Some(tier) = self.request.tier else {
            return;
        };
        let word = match tier {
            Tier::Auto => "auto",
            Tier::Default => "default",
            Tier::Flex => "flex",
            Tier::Priority => "priority",
        };
        if self.capability.openai_members || self.is_native() {
            w.str("service_tier", word);
        } else if matches!(tier, Tier::Flex | Tier::Priority) {
            self.report.dropped(
                self.member(Member::Tier),
                "this server has no service tiers",
            );
        }
    }
}
