use serde_json::Value;

use super::{Cleaned, Flavour, clean, from_gemini, object_root};

const ALL: [Flavour; 4] = [
    Flavour::OpenAiStrict,
    Flavour::AnthropicStrict,
    Flavour::GeminiJson,
    Flavour::GeminiProto,
];

fn check(name: &str, flavour: Flavour, input: &str, want: &str, fits: bool) {
    let Cleaned {
        schema, fits: got, ..
    } = clean(input, flavour);
    assert_eq!(schema, want, "{name}");
    assert_eq!(got, fits, "{name}");
}

#[test]
fn openai_strict() {
    let cases = [
        (
            "object is closed and required",
            r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}"#,
            r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#,
            true,
        ),
        (
            "null makes optional required",
            r#"{"type":"object","properties":{"a":{"type":["string","null"]}}}"#,
            r#"{"type":"object","properties":{"a":{"type":["string","null"]}},"required":["a"],"additionalProperties":false}"#,
            true,
        ),
        (
            "optional does not fit",
            r#"{"type":"object","properties":{"a":{"type":"string"}}}"#,
            r#"{"type":"object","properties":{"a":{"type":"string"}}}"#,
            false,
        ),
        (
            "map does not fit",
            r#"{"type":"object","additionalProperties":{"type":"string"}}"#,
            r#"{"type":"object","additionalProperties":{"type":"string"}}"#,
            false,
        ),
        (
            "free value does not fit",
            r#"{"type":"object","properties":{"a":{}},"required":["a"]}"#,
            r#"{"type":"object","properties":{"a":{}},"required":["a"]}"#,
            false,
        ),
        (
            "list root does not fit",
            r#"{"type":"array","items":{"type":"string"}}"#,
            r#"{"type":"array","items":{"type":"string"}}"#,
            false,
        ),
        (
            "constraint goes to description",
            r#"{"type":"object","properties":{"a":{"type":"string","description":"x","minLength":2}},"required":["a"]}"#,
            r#"{"type":"object","properties":{"a":{"type":"string","description":"x (minLength: 2)"}},"required":["a"],"additionalProperties":false}"#,
            true,
        ),
        (
            "one of",
            r#"{"type":"object","properties":{"a":{"oneOf":[{"type":"string"},{"type":"null"}]}},"required":["a"]}"#,
            r#"{"type":"object","properties":{"a":{"anyOf":[{"type":"string"},{"type":"null"}]}},"required":["a"],"additionalProperties":false}"#,
            true,
        ),
        (
            "all of is merged",
            r#"{"allOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"b":{"type":"integer"}},"required":["b"]}]}"#,
            r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["a","b"],"additionalProperties":false}"#,
            true,
        ),
        (
            "recursion stays",
            r##"{"type":"object","properties":{"n":{"anyOf":[{"$ref":"#/definitions/n"},{"type":"null"}]}},"required":["n"],"definitions":{"n":{"type":"object","properties":{"n":{"$ref":"#/definitions/n"}},"required":["n"]}}}"##,
            r##"{"type":"object","properties":{"n":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}},"required":["n"],"$defs":{"n":{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}},"required":["n"],"additionalProperties":false}},"additionalProperties":false}"##,
            true,
        ),
    ];
    for (name, input, want, fits) in cases {
        check(name, Flavour::OpenAiStrict, input, want, fits);
    }
}

#[test]
fn anthropic_strict() {
    let cases = [
        (
            "optional stays",
            r#"{"type":"object","properties":{"a":{"type":"integer","minimum":1}}}"#,
            r#"{"type":"object","properties":{"a":{"type":"integer","description":"minimum: 1"}},"additionalProperties":false}"#,
            true,
        ),
        (
            "simple pattern stays",
            r#"{"type":"object","properties":{"a":{"type":"string","pattern":"^a+$"}}}"#,
            r#"{"type":"object","properties":{"a":{"type":"string","pattern":"^a+$"}},"additionalProperties":false}"#,
            true,
        ),
        (
            "look-ahead goes",
            r#"{"type":"object","properties":{"a":{"type":"string","pattern":"(?=a)"}}}"#,
            r#"{"type":"object","properties":{"a":{"type":"string","description":"pattern: (?=a)"}},"additionalProperties":false}"#,
            true,
        ),
        (
            "recursion does not fit",
            r##"{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}}}}}"##,
            r##"{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}}}}}"##,
            false,
        ),
    ];
    for (name, input, want, fits) in cases {
        check(name, Flavour::AnthropicStrict, input, want, fits);
    }
}

#[test]
fn gemini_json() {
    let cases = [
        (
            "const",
            r#"{"const":"a","$schema":"x"}"#,
            r#"{"enum":["a"],"type":"string"}"#,
            true,
        ),
        (
            "one of stays",
            r#"{"oneOf":[{"type":"string"},{"type":"integer","exclusiveMinimum":0}]}"#,
            r#"{"oneOf":[{"type":"string"},{"type":"integer","description":"exclusiveMinimum: 0"}]}"#,
            true,
        ),
        (
            "map stays",
            r#"{"type":"object","additionalProperties":{"type":"string","pattern":"x"}}"#,
            r#"{"type":"object","additionalProperties":{"type":"string","description":"pattern: x"}}"#,
            true,
        ),
        (
            "default and not",
            r#"{"type":"string","default":"a","not":{"const":"b"}}"#,
            r#"{"type":"string","description":"default: a; not: {\"const\":\"b\"}"}"#,
            true,
        ),
        (
            "unknown required",
            r#"{"type":"object","properties":{"a":{}},"required":["b"]}"#,
            r#"{"type":"object","properties":{"a":{}}}"#,
            true,
        ),
        (
            "reference with words is inlined",
            r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/s","description":"d"}},"$defs":{"s":{"type":"string"}}}"##,
            r##"{"type":"object","properties":{"a":{"description":"d","type":"string"}},"$defs":{"s":{"type":"string"}}}"##,
            true,
        ),
        (
            "list without items",
            r#"{"type":"array"}"#,
            r#"{"type":"array","items":{}}"#,
            true,
        ),
        (
            "branches declare their properties",
            r#"{"properties":{"k":{"const":"v"}},"then":{"properties":{"k":{"const":"v"},"extra":{"type":"string"}}},"dependentSchemas":{"k":{"properties":{"more":{}}}}}"#,
            r#"{"properties":{"k":{"enum":["v"],"type":"string"},"extra":{"type":"string"},"more":{}},"type":"object","description":"then: {\"properties\":{\"k\":{\"const\":\"v\"},\"extra\":{\"type\":\"string\"}}}; dependentSchemas: {\"k\":{\"properties\":{\"more\":{}}}}"}"#,
            true,
        ),
    ];
    for (name, input, want, fits) in cases {
        check(name, Flavour::GeminiJson, input, want, fits);
    }
}

#[test]
fn gemini_proto() {
    let cases = [
        (
            "types",
            r#"{"type":"object","properties":{"a":{"type":["string","null"]},"b":{"type":"array"}},"required":["a"],"additionalProperties":false}"#,
            r#"{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true},"b":{"type":"ARRAY","items":{"type":"STRING","description":"Any value, as JSON text."}}},"required":["a"]}"#,
            true,
        ),
        (
            "empty object",
            r#"{"type":"object","properties":{}}"#,
            r#"{"type":"OBJECT"}"#,
            true,
        ),
        (
            "number enum",
            r#"{"enum":[1,2]}"#,
            r#"{"type":"INTEGER","description":"enum: [1,2]"}"#,
            true,
        ),
        (
            "union",
            r#"{"type":["string","integer"],"description":"d"}"#,
            r#"{"description":"d","anyOf":[{"type":"STRING"},{"type":"INTEGER"}]}"#,
            true,
        ),
        (
            "null alternative",
            r#"{"anyOf":[{"type":"string"},{"type":"null"}],"description":"d"}"#,
            r#"{"description":"d","nullable":true,"type":"STRING"}"#,
            true,
        ),
        (
            "format",
            r#"{"type":"string","format":"uuid"}"#,
            r#"{"type":"STRING","description":"format: uuid"}"#,
            true,
        ),
        (
            "recursion is cut",
            r##"{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}}}}}"##,
            r#"{"type":"OBJECT","properties":{"n":{"type":"OBJECT","properties":{"n":{"type":"OBJECT","properties":{"n":{"type":"OBJECT"}}}}}}}"#,
            false,
        ),
    ];
    for (name, input, want, fits) in cases {
        check(name, Flavour::GeminiProto, input, want, fits);
    }
}

#[test]
fn a_root_that_is_a_reference_is_replaced_by_its_target() {
    let schema = r##"{"$ref":"#/definitions/n","definitions":{"n":{"type":"object","properties":{"n":{"anyOf":[{"$ref":"#/definitions/n"},{"type":"null"}]}},"required":["n"]}}}"##;
    for flavour in [Flavour::OpenAiStrict, Flavour::GeminiJson] {
        let cleaned = clean(schema, flavour);
        assert!(cleaned.fits, "{flavour:?}");
        let value: Value = serde_json::from_str(&cleaned.schema).expect("json");
        assert_eq!(value["type"], "object", "{flavour:?}");
        assert_eq!(
            value["properties"]["n"]["anyOf"][0]["$ref"], "#/$defs/n",
            "{flavour:?}"
        );
        assert_eq!(value["$defs"]["n"]["type"], "object", "{flavour:?}");
        let rooted = clean(&object_root(Some(schema)), flavour);
        let value: Value = serde_json::from_str(&rooted.schema).expect("json");
        assert!(value["properties"]["n"].is_object(), "{flavour:?}");
    }
}

#[test]
fn hostile_schemas_end() {
    let deep = format!(
        "{}{}",
        r#"{"items":"#.repeat(10_000),
        "1".to_owned() + &"}".repeat(10_000)
    );
    let mut bomb = String::from(r##"{"$ref":"#/$defs/d0","$defs":{"##);
    for i in 0..40 {
        let next = i + 1;
        bomb.push_str(&format!(
            r##""d{i}":{{"type":"object","properties":{{"a":{{"$ref":"#/$defs/d{next}","title":"t"}},"b":{{"$ref":"#/$defs/d{next}","title":"t"}}}}}},"##
        ));
    }
    bomb.push_str(r#""d40":{"type":"string"}}}"#);
    let circle = r##"{"allOf":[{"$ref":"#"}],"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}"##;
    for flavour in ALL {
        for (name, schema) in [
            ("deep", deep.as_str()),
            ("bomb", &bomb),
            ("circle", circle),
            ("no json", "{"),
            ("number", "1"),
        ] {
            let cleaned = clean(schema, flavour);
            assert!(cleaned.schema.len() < 20_000_000, "{name} {flavour:?}");
            if name == "deep" {
                assert!(!cleaned.fits, "{name} {flavour:?}");
            }
        }
    }
}

#[test]
fn cleaning_twice_changes_nothing() {
    let schema = r##"{"type":"object","description":"d","properties":{"a":{"oneOf":[{"const":1},{"type":"string","format":"uri","maxLength":3}]},"b":{"$ref":"#/$defs/x"},"c":{"prefixItems":[{"type":"string"},{"type":"number"}]}},"required":["a","b","c"],"$defs":{"x":{"type":"string","enum":["p","q"]}}}"##;
    for flavour in ALL {
        let once = clean(schema, flavour);
        assert!(once.fits, "{flavour:?} {}", once.schema);
        let read = if flavour == Flavour::GeminiProto {
            from_gemini(&once.schema).into_owned()
        } else {
            once.schema.clone()
        };
        assert_eq!(clean(&read, flavour).schema, once.schema, "{flavour:?}");
        let parsed: Value = serde_json::from_str(&once.schema).expect("json");
        assert!(parsed.is_object());
    }
}

#[test]
fn roots() {
    let cases = [
        (None, r#"{"type":"object","properties":{}}"#),
        (Some("{}"), r#"{"type":"object","properties":{}}"#),
        (Some("null"), r#"{"type":"object","properties":{}}"#),
        (
            Some(r#"{"type":"object","properties":{"a":{}}}"#),
            r#"{"type":"object","properties":{"a":{}}}"#,
        ),
        (
            Some(r#"{"type":"object"}"#),
            r#"{"type":"object","properties":{}}"#,
        ),
        (
            Some(r#"{"properties":{"a":{}}}"#),
            r#"{"type":"object","properties":{"a":{}}}"#,
        ),
        (
            Some(r#"{"type":["object","null"],"properties":{}}"#),
            r#"{"type":"object","properties":{}}"#,
        ),
    ];
    for (input, want) in cases {
        assert_eq!(object_root(input), want, "{input:?}");
    }
}

#[test]
fn native_spelling_is_read() {
    let schema = r#"{"type":"OBJECT","properties":{"type":{"type":"STRING","nullable":true},"any_of":{"type":"ARRAY","min_items":"1","items":{"type":"INTEGER"}}},"propertyOrdering":["type"]}"#;
    assert_eq!(
        from_gemini(schema),
        r#"{"type":"object","properties":{"type":{"type":["string","null"]},"any_of":{"type":"array","minItems":1,"items":{"type":"integer"}}}}"#
    );
    let plain = r#"{"type": "object"}"#;
    assert_eq!(from_gemini(plain), plain);
}

proptest::proptest! {
    #[test]
    fn any_schema_is_cleaned_into_a_schema(words in proptest::collection::vec(0_usize..WORDS.len(), 0..24)) {
        let mut schema = String::from("{");
        let mut open = 1;
        for word in words {
            if !schema.ends_with('{') {
                schema.push(',');
            }
            schema.push_str(WORDS[word]);
            if WORDS[word].ends_with('{') {
                open += WORDS[word].matches('{').count() - WORDS[word].matches('}').count();
            }
        }
        schema.push_str(&"}".repeat(open));
        for flavour in ALL {
            let once = clean(&schema, flavour);
            let value: Value = serde_json::from_str(&once.schema).expect("json");
            proptest::prop_assert!(value.is_object(), "{schema} {flavour:?}");
            proptest::prop_assert_eq!(&clean(&schema, flavour), &once);
        }
    }
}

/// Pieces of schemas; some open an object that is closed at the end.
const WORDS: [&str; 16] = [
    r#""type":"object""#,
    r#""type":["string","null"]"#,
    r#""type":7"#,
    r#""properties":{"a":{"#,
    r#""items":{"#,
    r#""additionalProperties":{"#,
    r#""not":{"#,
    r##""$ref":"#/properties/a""##,
    r##""$ref":"#""##,
    r#""enum":[1,"a",null]"#,
    r#""const":true"#,
    r#""required":["a",1]"#,
    r#""allOf":[{"minimum":1},{"maximum":2},3]"#,
    r#""anyOf":[{"type":"null"},{}]"#,
    r#""description":5"#,
    r#""$defs":{"x":{"#,
];
