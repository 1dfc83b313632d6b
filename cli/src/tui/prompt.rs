//! A question over the screen: yes or no, words, or one of a list. Pure.

use super::news::Act;

/// What the answer is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// Do this, if the answer is yes.
    Confirm(Act),
    /// A model for a role: the member of the call.
    Model(&'static str),
    /// Words that lines must have.
    Search,
}

/// A question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Prompt {
    /// What is asked.
    pub(super) title: String,
    /// What the answer is for.
    pub(super) purpose: Purpose,
    /// What was typed.
    pub(super) typed: String,
    /// What can be picked.
    pub(super) choices: Vec<String>,
    /// Which of those that fit is picked.
    pub(super) picked: usize,
}

impl Prompt {
    /// A question.
    pub(super) fn new(title: impl Into<String>, purpose: Purpose, choices: Vec<String>) -> Self {
        Self {
            title: title.into(),
            purpose,
            typed: String::new(),
            choices,
            picked: 0,
        }
    }

    /// Those that fit what was typed.
    pub(super) fn fitting(&self) -> Vec<&str> {
        let typed = self.typed.to_lowercase();
        let fits = |choice: &&String| choice.to_lowercase().contains(&typed);
        self.choices
            .iter()
            .filter(fits)
            .map(String::as_str)
            .collect()
    }

    /// The answer: what is picked, else what was typed.
    pub(super) fn answer(&self) -> String {
        let fitting = self.fitting();
        let picked = fitting.get(self.picked.min(fitting.len().saturating_sub(1)));
        picked.map_or_else(
            || self.typed.trim().to_owned(),
            |choice| (*choice).to_owned(),
        )
    }

    /// Types a letter, or takes the last one away.
    pub(super) fn type_letter(&mut self, letter: Option<char>) {
        match letter {
            Some(letter) => self.typed.push(letter),
            None => drop(self.typed.pop()),
        }
        self.picked = 0;
    }

    /// Picks another one.
    pub(super) fn pick(&mut self, step: isize) {
        let last = self.fitting().len().saturating_sub(1);
        self.picked = self.picked.saturating_add_signed(step).min(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_what_fits_or_what_was_typed() {
        let choices = vec![
            "openai/gpt".to_owned(),
            "qwen/max".to_owned(),
            "qwen/turbo".to_owned(),
        ];
        let mut prompt = Prompt::new("model", Purpose::Search, choices);
        for letter in "QWEN".chars() {
            prompt.type_letter(Some(letter));
        }
        prompt.pick(9);
        assert_eq!(prompt.answer(), "qwen/turbo");
        "/new"
            .chars()
            .for_each(|letter| prompt.type_letter(Some(letter)));
        assert_eq!(prompt.answer(), "QWEN/new");
    }
}
