//! Requests and answers of the four dialects, as small as they can be.

use crate::upstream::Step;

/// A dialect as the tests need it.
pub(crate) struct Sample {
    pub(crate) format: &'static str,
    pub(crate) path: &'static str,
    pub(crate) request: &'static str,
    pub(crate) stream_path: &'static str,
    pub(crate) stream_request: &'static str,
    pub(crate) answer: &'static str,
    /// The frames of a stream; the last ones hold its end.
    pub(crate) frames: &'static [&'static str],
    /// How many frames come before the end.
    pub(crate) before_end: usize,
    /// What an error ending looks like.
    pub(crate) error_mark: &'static str,
    /// What only a complete stream has.
    pub(crate) end_mark: &'static str,
}

pub(crate) const CHAT: Sample = Sample {
    format: "openai",
    path: "/v1/chat/completions",
    request: r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#,
    stream_path: "/v1/chat/completions",
    stream_request: r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#,
    answer: r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#,
    frames: &[
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"},\"finish_reason\":null}]}\n\n",
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n",
        "data: [DONE]\n\n",
    ],
    before_end: 2,
    error_mark: "data: {\"error\":",
    end_mark: "[DONE]",
};

pub(crate) const RESPONSES: Sample = Sample {
    format: "openai-responses",
    path: "/v1/responses",
    request: r#"{"model":"m","input":"hi"}"#,
    stream_path: "/v1/responses",
    stream_request: r#"{"model":"m","stream":true,"input":"hi"}"#,
    answer: r#"{"id":"resp_up","object":"response","created_at":1,"status":"completed","model":"m","output":[{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"hello","annotations":[]}]}],"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}"#,
    frames: &[
        "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_up\",\"object\":\"response\",\"created_at\":1,\"status\":\"in_progress\",\"model\":\"m\",\"output\":[]}}\n\n",
        "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}}\n\n",
        "event: response.content_part.added\ndata: {\"type\":\"response.content_part.added\",\"sequence_number\":2,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}}\n\n",
        "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":3,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"hello\"}\n\n",
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":4,\"response\":{\"id\":\"resp_up\",\"object\":\"response\",\"created_at\":1,\"status\":\"completed\",\"model\":\"m\",\"output\":[{\"id\":\"msg_1\",\"type\":\"message\",\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"hello\",\"annotations\":[]}]}],\"usage\":{\"input_tokens\":3,\"output_tokens\":2,\"total_tokens\":5}}}\n\n",
    ],
    before_end: 4,
    error_mark: "event: response.failed\n",
    end_mark: "event: response.completed\n",
};

pub(crate) const MESSAGES: Sample = Sample {
    format: "anthropic",
    path: "/v1/messages",
    request: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#,
    stream_path: "/v1/messages?beta=true",
    stream_request: r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#,
    answer: r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}}"#,
    frames: &[
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hello\"}}\n\n",
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":2}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ],
    before_end: 3,
    error_mark: "event: error\n",
    end_mark: "event: message_stop\n",
};

pub(crate) const GEMINI: Sample = Sample {
    format: "gemini",
    path: "/v1beta/models/m:generateContent",
    request: r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#,
    stream_path: "/v1beta/models/m:streamGenerateContent?alt=sse",
    stream_request: r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#,
    answer: r#"{"candidates":[{"content":{"parts":[{"text":"hello"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5},"modelVersion":"m"}"#,
    frames: &[
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hello\"}],\"role\":\"model\"},\"index\":0}]}\r\n\r\n",
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"!\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":2,\"totalTokenCount\":5}}\r\n\r\n",
    ],
    before_end: 1,
    error_mark: "data: {\"error\":",
    end_mark: "\"finishReason\":\"STOP\"",
};

pub(crate) const ALL: [&Sample; 4] = [&CHAT, &RESPONSES, &MESSAGES, &GEMINI];

impl Sample {
    /// The whole stream, a step for each frame.
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.frames
            .iter()
            .map(|frame| Step::Send((*frame).to_owned()))
            .collect()
    }

    /// The stream up to where its end would begin.
    pub(crate) fn broken(&self, then: impl IntoIterator<Item = Step>) -> Vec<Step> {
        let mut steps = self.steps();
        steps.truncate(self.before_end);
        steps.extend(then);
        steps
    }
}
