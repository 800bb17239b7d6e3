//! A bank small enough to read: prompts without sound, a few queues, agents and numbers.

use std::sync::Arc;
use std::time::Duration;

use hotline::config::Constant;
use hotline::diagnostic::{Diagnostic, Source};
use hotline::ivr::{self, Catalogue, Compiled, HostTerms, World};
use hotline::media::prompts::PromptId;

/// Names of prompts; the id is the place in the list, plus 1000 in English.
pub struct Names(Vec<String>);

const PROMPTS: &str = "welcome rec_notice lang main noinput invalid to_agent goodbye sys_err comfort q_next closed \
    refuse acct acct_thanks urgent elder card_menu sme_menu cmp_menu transfer_failed num_hundred num_thousand \
    num_wan num_yi num_million num_minus num_yao num_and loss_kind get_id6 loss_ok_pre loss_ok_post loss_fail \
    person_or_end pin pin_bad pin_bad_2 pin_bad_1 pin_lock menu_acct bal_pre tx_pre tx_in tx_out tx_none sms_pre \
    sms_none stmt_pre stmt_due_pre limit_pre card_none not_sure repay_amount repay_range repay_pre repay_confirm \
    repaid_pre repay_short act_last4 act_ok_post act_none inst_months inst_bad inst_monthly_pre inst_fee_pre \
    inst_confirm inst_ok inst_none vip antifraud \
    closed_menu progress_pre progress_mid progress_none ticket_pre ticket_post music/beep leave_msg msg_short \
    msg_thanks msg_failed svy svy_why svy_thx \
    agent_id_pre agent_id_post q_ahead_one q_ahead_pre q_ahead_post q_wait q_busier cb_offer cb_confirm_pre \
    cb_confirm_post cb_number cb_refused cb_done cb_later_confirm cb_later_done \
    sv_intro sv_ok sv_fail emg_sys_pre emg_sys_post emg_menu acct_bad \
    farmers comfort_slow antifraud_slow no_agent no_lookup vip_busy vip_welcome progress_loan progress_card \
    progress_complaint progress_more";

/// Words that values are said with, besides numbers, months and days.
const WORDS: &str = "num_liang num_billion num_point num_yuan num_jiao num_fen num_zheng num_nian num_yue num_ri \
    num_lingchen num_shangwu num_zhongwu num_xiawu num_wanshang num_am num_pm num_noon num_midnight num_oh num_tian \
    num_xiaoshi num_minute num_miao num_minutes num_hour num_hours num_second num_seconds num_day num_days";

const QUEUES: &str = "general urgent cards sme complaint senior loan ebank rural_loan vip overflow";

impl Names {
    pub fn all() -> Names {
        let words = PROMPTS.split_whitespace().map(str::to_owned);
        Names(
            words
                .chain((0..=90).map(|number| format!("num_{number}")))
                .chain(WORDS.split_whitespace().map(str::to_owned))
                .chain((1..=12).map(|month| format!("num_month_{month}")))
                .chain((1..=31).map(|day| format!("num_ord_{day}")))
                .chain(["only_zh".to_owned()])
                .collect(),
        )
    }

    /// All but one.
    pub fn without(name: &str) -> Names {
        let Names(mut all) = Names::all();
        all.retain(|known| known != name);
        Names(all)
    }

    /// The name behind an id, with the language: `en/main`.
    pub fn of(&self, prompt: PromptId) -> String {
        let language = if prompt.0 >= 1_000 { "en" } else { "zh" };
        format!("{language}/{}", self.0[prompt.0 as usize % 1_000])
    }
}

impl Catalogue for Names {
    fn find(&self, language: &str, name: &str) -> Option<PromptId> {
        let place = self.0.iter().position(|known| known == name)? as u32;
        match language {
            "zh-CN" => Some(PromptId(place)),
            "en" if name != "only_zh" => Some(PromptId(place + 1_000)),
            _ => None,
        }
    }

    fn duration(&self, _: PromptId) -> Duration {
        Duration::from_secs(3)
    }

    fn names(&self, language: &str) -> Vec<String> {
        self.0.iter().filter(|name| language == "zh-CN" || *name != "only_zh").cloned().collect()
    }
}

pub fn world(catalogue: &Names) -> World<'_> {
    World {
        queues: QUEUES.split_whitespace().map(Into::into).collect(),
        agents: ["1001", "1002"].map(Into::into).into(),
        numbers: [("95500", "main"), ("95501", "desk")]
            .map(|(number, flow)| (number.to_owned(), flow.into()))
            .into(),
        entries: [].into(),
        surveys: [].into(),
        constants: [
            ("max_tries".to_owned(), Constant::Number(3)),
            ("desk".to_owned(), Constant::Text("95501".to_owned())),
        ]
        .into(),
        hosts: [("bank", true), ("weather", false)]
            .map(|(name, secrets)| (name.to_owned(), HostTerms { secrets, timeout: Duration::from_secs(5) }))
            .into(),
        bots: ["assistant"].map(str::to_owned).into(),
        catalogue,
    }
}

pub fn compile(name: &str, text: &str) -> Result<Compiled, Vec<Diagnostic>> {
    let names = Names::all();
    ivr::compile(&[Source::new(name, text)], &world(&names))
}

/// Everything that is said about a flow, warnings too.
pub fn findings(name: &str, text: &str) -> Vec<Diagnostic> {
    compile(name, text).map_or_else(|found| found, |compiled| compiled.warnings)
}

/// The flow `test`, which must be right.
pub fn flow(text: &str) -> Arc<hotline::ivr::flow::Flow> {
    match compile("test.yaml", text) {
        Ok(compiled) => compiled.flows[&"test".into()].clone(),
        Err(found) => panic!("{}", hotline::diagnostic::render_all(&found)),
    }
}
