//! Where a caller comes at worst, and how far it is.

use std::time::Duration;

use super::Way;

/// Where a caller comes. What can happen is kept apart, so that those who are refused do not hide how far the others
/// have to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Some come to a person.
    pub person: Option<Far>,
    /// Some come back to the flow that called this one.
    pub back: Option<Far>,
    /// For some the call ends without a person.
    pub goodbye: bool,
    /// Some go round until the line is cut.
    pub nobody: bool,
}

/// What it takes to come somewhere, at worst. A question that is put again at once counts once, be it by its own retries
/// or by a round through counters: so the most is kept by the question that comes first, and the most by another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Far {
    most: Asked,
    other: Asked,
    prompts: Duration,
}

/// So many questions, of which this node's comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    first: Option<usize>,
    questions: usize,
}

impl Outcome {
    pub const GOODBYE: Outcome = Outcome { person: None, back: None, goodbye: true, nobody: false };
    pub const NOBODY: Outcome = Outcome { person: None, back: None, goodbye: false, nobody: true };
    pub const NOTHING: Outcome = Outcome { person: None, back: None, goodbye: false, nobody: false };

    pub fn person() -> Outcome {
        Outcome { person: Some(Far::default()), ..Outcome::NOTHING }
    }

    pub fn back() -> Outcome {
        Outcome { back: Some(Far::default()), ..Outcome::NOTHING }
    }

    pub fn worst(self, other: Outcome) -> Outcome {
        Outcome {
            person: worst(self.person, other.person),
            back: worst(self.back, other.back),
            goodbye: self.goodbye || other.goodbye,
            nobody: self.nobody || other.nobody,
        }
    }

    /// Some reach nobody.
    pub fn loses(&self) -> bool {
        self.goodbye || self.nobody
    }

    /// As far as it goes within the flow.
    pub fn way(&self) -> Option<Way> {
        worst(self.person, self.back).map(Far::way)
    }

    fn each(self, more: impl Fn(Far) -> Far) -> Outcome {
        Outcome { person: self.person.map(&more), back: self.back.map(&more), ..self }
    }

    /// The same with prompts before it.
    pub fn after(self, prompts: Duration) -> Outcome {
        self.each(|far| Far { prompts: far.prompts + prompts, ..far })
    }

    /// The same with the question of a node before it.
    pub fn asked(self, node: usize) -> Outcome {
        self.each(|far| far.asked(node))
    }

    /// The same with a way through another flow before it.
    pub fn behind(self, before: Far) -> Outcome {
        self.each(|far| far.behind(before.way()))
    }

    /// The same with so many questions before it that are no nodes here.
    pub fn behind_questions(self, questions: usize) -> Outcome {
        self.each(|far| far.behind(Way { questions, prompts: Duration::ZERO }))
    }

    /// What it comes to for who is led here by a number: whom that number sends away is told of there.
    pub fn dialled(self) -> Outcome {
        Outcome { goodbye: self.goodbye && self.person.is_none(), ..self }.elsewhere()
    }

    /// What it comes to for who is led here by another flow.
    pub fn elsewhere(self) -> Outcome {
        self.each(|far| Far::default().behind(far.way()))
    }
}

pub(super) fn worst(one: Option<Far>, other: Option<Far>) -> Option<Far> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.worst(other)),
        (one, other) => one.or(other),
    }
}

impl Far {
    pub fn way(self) -> Way {
        Way { questions: self.most.questions, prompts: self.prompts }
    }

    fn worst(self, far: Far) -> Far {
        let all = [self.most, self.other, far.most, far.other];
        let (mut most, mut other) = (self.most, Asked::default());
        for asked in all {
            if asked.questions > most.questions {
                most = asked;
            }
        }
        for asked in all {
            if asked.first != most.first && asked.questions > other.questions {
                other = asked;
            }
        }
        Far { most, other, prompts: self.prompts.max(far.prompts) }
    }

    fn asked(self, node: usize) -> Far {
        let once = |asked: Asked| asked.questions + usize::from(asked.first != Some(node));
        let questions = once(self.most).max(once(self.other));
        Far { most: Asked { first: Some(node), questions }, other: Asked::default(), ..self }
    }

    fn behind(self, before: Way) -> Far {
        let questions = self.most.questions + before.questions;
        let most = Asked { first: None, questions };
        Far { most, other: Asked::default(), prompts: self.prompts + before.prompts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_comes_again_at_once_counts_once_and_any_other_counts() {
        let questions = |outcome: Outcome| outcome.way().map(|way| way.questions);
        let person = Outcome::person();
        assert_eq!(questions(person.asked(1).asked(1).asked(1)), Some(1));
        assert_eq!(questions(person.asked(1).asked(2).asked(1)), Some(3));
        // Two ways on: three questions that begin with the first, two that begin with the second.
        let parted = person.asked(2).asked(3).asked(1).worst(person.asked(1).asked(2));
        assert_eq!(questions(parted.asked(1)), Some(3));
        assert_eq!(questions(parted.asked(2)), Some(4));
        let equal = person.asked(3).asked(1).worst(person.asked(3).asked(2));
        assert_eq!(questions(equal.asked(1)), Some(3));
    }
}
