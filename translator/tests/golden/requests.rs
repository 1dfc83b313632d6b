//! Every request case, from every client dialect to every upstream model.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use serde_json::{Value, json};
use translator::translate::{self, Outbound, Recall, Target, no_recall};
use translator::{Dialect, capability};

use crate::cases::{self, RequestCase, TARGETS};
use crate::fixtures::HABITS;
use crate::snapshots::Snapshots;
use crate::{rules, schemas};

/// Requests that a target cannot carry: the refusal is the right answer, with the reason for it.
const REFUSED: [(&str, &str, &str); 5] = [
    ("audio", "gpt-5", "sound"),
    ("audio", "claude-sonnet-4-5", "sound"),
    ("audio", "claude-opus-4-8", "sound"),
    ("document_blocks", "gpt-4o", "documents by URL"),
    ("document_blocks", "gpt-5.1", "documents by URL"),
];

/// What became of one case for one pair.
pub(crate) struct Product {
    pub(crate) case: String,
    pub(crate) from: Dialect,
    pub(crate) to: Dialect,
    pub(crate) model: &'static str,
    /// The body and what goes with it, or why there is none.
    pub(crate) result: Result<Outbound, String>,
}

impl Product {
    /// The name of the snapshot without its ending.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}__{}", self.case, cases::word(self.from), self.model)
    }
}

/// All cases for all pairs; made once for all tests.
pub(crate) fn products() -> &'static [Product] {
    static PRODUCTS: OnceLock<Vec<Product>> = OnceLock::new();
    PRODUCTS.get_or_init(|| cases::requests().iter().flat_map(case_products).collect())
}

fn case_products(case: &RequestCase) -> Vec<Product> {
    let mut products = Vec::new();
    for (&from, body) in &case.bodies {
        for (to, model) in TARGETS {
            let result = translate(from, body.as_bytes(), to, model);
            products.push(Product {
                case: case.name.clone(),
                from,
                to,
                model,
                result,
            });
        }
    }
    products
}

/// Takes a body from a client dialect to an upstream model. A panic is a result like any other failure.
pub(crate) fn translate(
    from: Dialect,
    body: &[u8],
    to: Dialect,
    model: &str,
) -> Result<Outbound, String> {
    translate_recalling(from, body, to, model, &no_recall)
}

/// The same for a client whose state the hub has kept.
pub(crate) fn translate_recalling(
    from: Dialect,
    body: &[u8],
    to: Dialect,
    model: &str,
    recall: Recall<'_>,
) -> Result<Outbound, String> {
    catch_unwind(AssertUnwindSafe(|| {
        let mut request = from
            .decode_request(body, recall)
            .map_err(|error| format!("not decoded: {error}"))?;
        name_model(&mut request);
        let target = target(to, model, request.stream);
        translate::request(request, &target, false).map_err(|error| format!("refused: {error}"))
    }))
    .unwrap_or_else(|_| Err("panicked".to_owned()))
}

/// Gemini names its model in the path, so the gateway puts it into the request.
pub(crate) fn name_model(request: &mut translator::ir::Request<'_>) {
    if request.model.is_empty() {
        request.model = "gemini-3-flash-preview".into();
    }
}

/// The upstream that a request is written for.
pub(crate) fn target<'t>(dialect: Dialect, model: &'t str, stream: bool) -> Target<'t> {
    Target {
        dialect,
        provider: cases::word(dialect),
        model,
        capability: capability::of(dialect, model),
        stream,
        cache_key: Some("hub-0123456789abcdef0123456789abcdef"),
        auto_cache: true,
        drop_state: false,
    }
}

/// What is wrong with a product, by schema and by rules.
fn judge(product: &Product) -> Vec<String> {
    let outbound = match &product.result {
        Ok(outbound) => outbound,
        Err(reason) => {
            let allowed = REFUSED.iter().any(|(case, model, part)| {
                *case == product.case && *model == product.model && reason.contains(part)
            });
            return if allowed {
                Vec::new()
            } else {
                vec![reason.clone()]
            };
        }
    };
    let body: Value = match serde_json::from_slice(&outbound.body) {
        Ok(body) => body,
        Err(error) => return vec![format!("the body is no JSON: {error}")],
    };
    let header = |name: &str| {
        outbound
            .headers
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value.as_str())
    };
    let schema = schemas::request(
        product.to,
        !header("anthropic-beta").is_empty(),
        header("anthropic-version"),
    );
    let mut problems = schemas::problems(schema, &schemas::without_extensions(&body));
    if product.to == Dialect::Anthropic && header("anthropic-version").is_empty() {
        problems.push("X2: no anthropic-version".to_owned());
    }
    if body
        .get("model")
        .is_some_and(|model| model != product.model)
    {
        problems.push(format!("X3: the model is {}", body["model"]));
    }
    if outbound
        .report
        .entries()
        .iter()
        .any(|entry| entry.field.is_empty() || entry.detail.is_empty())
    {
        problems.push("X4: an entry of the report without field or detail".to_owned());
    }
    problems.extend(rules::check(product.to, product.model, &body));
    if product.case == HABITS && product.from == product.to {
        // Within one dialect the service itself judges what is unknown here: it is passed on as it is.
        problems.retain(|problem| {
            !(problem.contains("unknown_member")
                || problem.contains("client_metadata")
                || problem.starts_with("P8"))
        });
    }
    problems
}

/// The text of a snapshot: body, headers, report and what the answer must reverse.
fn render(product: &Product) -> String {
    let value = match &product.result {
        Err(reason) => json!({ "refused": reason }),
        Ok(outbound) => {
            let body: Value = serde_json::from_slice(&outbound.body).unwrap_or(Value::Null);
            let headers: serde_json::Map<String, Value> = outbound
                .headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value)))
                .collect();
            let report: Vec<String> = outbound
                .report
                .entries()
                .iter()
                .map(translator::fidelity::Entry::code)
                .collect();
            let undo = &outbound.undo;
            let tools: Vec<Value> = undo
                .tools
                .iter()
                .map(|tool| json!({"wire": tool.wire, "name": tool.name, "namespace": tool.namespace, "freeform": tool.freeform}))
                .collect();
            json!({
                "body": body,
                "headers": headers,
                "report": report,
                "undo": {
                    "tools": tools,
                    "unwrap_value": undo.unwrap_value,
                    "strip_fence": undo.strip_fence,
                    "stop": undo.stop,
                },
            })
        }
    };
    pretty(&value)
}

/// Indented JSON with a line end.
pub(crate) fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a value can be written");
    text.push('\n');
    text
}

#[test]
fn requests_are_legal_and_as_before() {
    let mut problems = Vec::new();
    let mut snapshots = Snapshots::new(cases::root().join("snapshots/requests"));
    for product in products() {
        for problem in judge(product) {
            problems.push(format!(
                "[{}] {}: {problem}",
                cases::word(product.to),
                product.name()
            ));
        }
        snapshots.check(&format!("{}.json", product.name()), &render(product));
    }
    problems.extend(snapshots.finish());
    assert!(
        problems.is_empty(),
        "{} problems\n{}",
        problems.len(),
        problems.join("\n")
    );
}

/// The same input gives the same bytes.
#[test]
fn translation_is_repeatable() {
    for case in cases::requests() {
        for (from, body) in &case.bodies {
            for (to, model) in TARGETS {
                let bytes =
                    || translate(*from, body.as_bytes(), to, model).map(|outbound| outbound.body);
                assert_eq!(
                    bytes(),
                    bytes(),
                    "{} from {} to {model}",
                    case.name,
                    cases::word(*from)
                );
            }
        }
    }
}

/// In strict mode a request is refused exactly when its report names a loss.
#[test]
fn strict_mode_refuses_what_the_report_calls_a_loss() {
    let mut refused = 0;
    for product in products() {
        let Ok(outbound) = &product.result else {
            continue;
        };
        let body = cases::request(&product.case, product.from).expect("a case has a body");
        let mut request = product
            .from
            .decode_request(body.as_bytes(), &no_recall)
            .expect("decoded before");
        name_model(&mut request);
        let target = target(product.to, product.model, request.stream);
        let strict = translate::request(request, &target, true);
        let lossy = outbound.report.first_loss().is_some();
        assert_eq!(
            strict.is_err(),
            lossy,
            "{}: {:?}",
            product.name(),
            outbound.report.header()
        );
        refused += usize::from(lossy);
    }
    assert!(refused > 20, "only {refused} products have a loss");
}
