//! Skills: what a queue asks for and an agent has.

use std::collections::BTreeMap;

use super::Against;
use crate::ids::SkillId;

/// The first thing, by the skill's name, that keeps an agent with the skills `has` from serving a queue that
/// `requires` these least levels. `None`: the agent qualifies.
pub(super) fn lacking(requires: &BTreeMap<SkillId, u8>, has: &BTreeMap<SkillId, u8>) -> Option<Against> {
    requires.iter().find_map(|(skill, needs)| {
        let name = || skill.as_str().to_owned();
        match has.get(skill) {
            None => Some(Against::MissingSkill { skill: name() }),
            Some(has) if has < needs => {
                Some(Against::LevelTooLow { skill: name(), has: *has, needs: *needs })
            }
            Some(_) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skills(levels: &[(&str, u8)]) -> BTreeMap<SkillId, u8> {
        levels.iter().map(|(skill, level)| (SkillId::from(*skill), *level)).collect()
    }

    #[test]
    fn every_required_skill_at_its_least_level_qualifies() {
        let requires = skills(&[("lang.zh", 1), ("loan", 5)]);
        assert_eq!(lacking(&requires, &skills(&[("card", 9), ("lang.zh", 1), ("loan", 5)])), None);
        assert_eq!(lacking(&skills(&[]), &skills(&[])), None);
    }

    #[test]
    fn a_missing_skill_is_named() {
        let requires = skills(&[("lang.zh", 1), ("loan", 5)]);
        let against = Against::MissingSkill { skill: "lang.zh".to_owned() };
        assert_eq!(lacking(&requires, &skills(&[("loan", 9)])), Some(against));
    }

    #[test]
    fn a_level_too_low_is_named_with_both_levels() {
        let against = Against::LevelTooLow { skill: "loan".to_owned(), has: 4, needs: 5 };
        assert_eq!(lacking(&skills(&[("loan", 5)]), &skills(&[("loan", 4)])), Some(against));
    }
}
