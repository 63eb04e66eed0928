"""What callers, applicants and officers are told about access: one table, each sentence in every language.

Codes are the same in every language and are what programs go by; sentences are for people. ``{name}`` stands for what
is put in. Invariant: both texts of a sentence name the same things, and a test holds the table to it.
"""

from collections.abc import Iterable, Mapping

from catalog_sync.languages import Language, Sentence

TEXTS: Mapping[str, Sentence] = {
    # Why an item is refused, by policies.views.Reason.
    "FROZEN": Sentence(
        "Access is stopped for now; the grant itself stands, and to apply anew does not help.",
        "该访问已被临时停止；授权本身仍然有效，重新申请无济于事。",
    ),
    "NOT_SHARED": Sentence("The item is not shared with other departments.", "该信息项不予共享。"),
    "PURPOSE_REQUIRED": Sentence(
        "A grant covers it for another purpose: state that purpose in X-Purpose.",
        "已有授权，但用途不同：请在 X-Purpose 中写明授权所载用途。",
    ),
    "GRANT_EXPIRED": Sentence("The grant has ended: apply anew.", "授权已到期：请重新申请。"),
    "GRANT_NOT_BEGUN": Sentence("The grant has not begun yet.", "授权尚未生效。"),
    "ACT_NOT_GRANTED": Sentence(
        "It may be had, but not used so: that needs the plain value, as filtering it does.",
        "可以获取，但不得这样使用：如同筛选一样，这需要有权取得原值。",
    ),
    "WRONG_ZONE": Sentence("It may not be had over this network.", "不得经由本网络获取。"),
    "LICENCE_REQUIRED": Sentence(
        "It is open to who has accepted its licence, for this resource and under a verified identity.",
        "该资源须以经核验的身份逐项接受其开放许可后方可使用。",
    ),
    "NOT_TOGETHER": Sentence(
        "Each item may be read, but not so many of them together.", "各信息项均可单独读取，但不得一并读取这么多项。"
    ),
    "GRANTS_NOT_MIXED": Sentence(
        "Each item is granted, but no one grant covers them all: ask grant by grant.",
        "各信息项均已获授权，但没有一份授权涵盖全部：请按授权分别查询。",
    ),
    "GRANT_REQUIRED": Sentence("It needs a grant of the provider.", "须取得提供部门的授权。"),
    # What is said beside the reason.
    "stopped": Sentence(
        "{frozen} It is stopped by {rule} ({basis}) {end}.", "{frozen}停止依据为 {rule}（{basis}），{end}。"
    ),
    "stopped until": Sentence("until {moment}", "至 {moment} 止"),
    "stopped for ever": Sentence("without an end", "未设截止时间"),
    "too many together": Sentence(
        "Each may be read, but by {rule} ({basis}) at most {most} of {items} in one operation: leave out {number} of "
        "them, such as {example}.",
        "各项均可单独读取，但依 {rule}（{basis}），一次操作至多可使用 {items} 中的 {most} 项："
        "请去掉其中 {number} 项，例如 {example}。",
    ),
    "refused": Sentence("Not permitted: {items} of {resource}. {why}", "未获准：{resource}的 {items}。{why}"),
    "resource": Sentence("{title} ({code}), provided by {provider}", "《{title}》（{code}，由{provider}提供）"),
    "licence to accept": Sentence(
        'Its licence, {title} ({link}), has to be accepted first: with your API key, send {{"resource": "{resource}", '
        '"licence": "{version}"}} by POST to {address}, or have the provider record your acceptance.',
        "须先接受其许可《{title}》（{link}）：请使用您的 API 密钥，以 POST 方式向 {address} 发送 "
        '{{"resource": "{resource}", "licence": "{version}"}}，或由提供部门代为登记。',
    ),
    "item": Sentence("{alias} ({name})", "{alias}（{name}）"),
    "refused above": Sentence("A field above it is refused.", "其上级字段未获准。"),
    "apply to": Sentence("Apply to {provider}: {address}", "请向{provider}申请：{address}"),
    # What a caller has to show or say.
    "UNAUTHENTICATED": Sentence("The credential is not valid here.", "该凭证在此无效。"),
    "other listener": Sentence(
        "The credential of {subject} is not for the {zone} listener.", "{subject} 的凭证不得用于 {zone} 接入点。"
    ),
    "other purposes": Sentence(
        "The credential of {subject} is for the purposes {purposes}.", "{subject} 的凭证仅限用于：{purposes}。"
    ),
    "STATEMENT_REQUIRED": Sentence(
        "Personal or conditional items of {resources} are given for a stated purpose, case and officer: send "
        "X-Purpose, X-Case-Number and X-Officer.",
        "{resources} 中的个人信息项或有条件共享信息项，须写明用途、事项编号和经办人方可提供："
        "请发送 X-Purpose、X-Case-Number 和 X-Officer。",
    ),
    "GRANT_USED_UP": Sentence(
        "Grant {grant} allows {most} operations a day, and they have been used. Ask again when the day has ended in "
        "Chongqing; for more, apply anew with a larger volume.",
        "授权 {grant} 每日限 {most} 次操作，今日已用完。请于重庆当地次日再试；如需更多，请重新申请并注明所需数量。",
    ),
    "LEDGER_UNAVAILABLE": Sentence(
        "The operation could not be recorded, so it is not answered.", "本次操作无法留存记录，因此不予答复。"
    ),
    "RATE_LIMITED": Sentence("This caller sends requests too fast.", "该调用方的请求过于频繁，请稍后重试。"),
    # Where something can be had, and on which ground.
    "had": Sentence("{resource}: {ways}", "{resource}：{ways}"),
    "way": Sentence("{how} by {rules}", "依 {rules} {how}"),
    "plain": Sentence("plain", "提供原值"),
    "verified": Sentence("verified", "仅供核验"),
    "masked": Sentence("masked:{mask}", "按 {mask} 脱敏"),
    "used": Sentence("{act}", "可作 {act}"),
    "has it": Sentence("{subject} has it: {why}", "{subject} 已可使用：{why}"),
    "can apply": Sentence("{subject} can apply for it: {why}", "{subject} 可以申请：{why}"),
    "cannot have it": Sentence("{subject} cannot have it: {why}", "{subject} 不能取得：{why}"),
    # What was left out of an answer.
    "row left out": Sentence(
        "A row of {resource} outside the rows granted was left out.", "{resource} 中一条超出授权范围的记录已略去。"
    ),
    "group left out": Sentence(
        "A group of {resource} of fewer than {smallest} records was left out.",
        "{resource} 中一个记录数不足 {smallest} 条的分组已略去。",
    ),
    # A value that somebody doubts (R47, R48).
    "under check": Sentence(
        "The value is under check. Whoever brings valid proof is to be served; nobody may be sent away to have the "
        "record corrected first.",
        "该数据正在核查。当事人持有效证明的，应予办理；不得要求其先行更正数据。",
    ),
    # The administration.
    "PEOPLE_ONLY": Sentence(
        "The administration is for officers and administrators of departments.",
        "管理接口仅供部门经办人员和管理员使用。",
    ),
    "may not act": Sentence(
        "{subject} of {department} may not {act} {object}.", "{department} 的 {subject} 无权对 {object} 执行 {act}。"
    ),
    "may not read the policy": Sentence(
        "{subject} of {department} may not read the policy.", "{department} 的 {subject} 无权查阅策略。"
    ),
    "joins duties": Sentence(
        "{subject} joins the duties of {duties}, so it may act in none of them: take a membership or a role away.",
        "{subject} 兼有 {duties} 职责，因而不得行使其中任何一项：请撤销一项成员关系或角色。",
    ),
    "MATTER_UNKNOWN": Sentence("There is no {what} that you may see.", "没有您可以查看的 {what}。"),
    "lacks role": Sentence("{subject} has not the role {role}.", "{subject} 没有 {role} 角色。"),
}


def say(key: str, /, **facts: object) -> Sentence:
    """The sentence of that key with ``facts`` put in: a Sentence in its own language, several texts as a list."""
    text = TEXTS[key]
    english, chinese = (
        text.within(language).format_map({name: _put(fact, language) for name, fact in facts.items()})
        for language in Language
    )
    return Sentence(english, chinese)


def _put(fact: object, language: Language) -> str:
    if isinstance(fact, Sentence):
        return fact.within(language)
    if isinstance(fact, Iterable) and not isinstance(fact, str):
        return ("、" if language is Language.CHINESE else ", ").join(_put(part, language) for part in fact)
    return str(fact)
