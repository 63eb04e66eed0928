"""Names of people and of bodies, drawn from common parts so that they read as names and mean nobody."""

from itertools import accumulate
from random import Random

_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
    "余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_SURNAME_WEIGHTS = tuple(accumulate(1000 // (place + 8) for place in range(len(_SURNAMES))))
_MALE = "伟强磊军勇杰涛超明刚平辉鹏华飞鑫波斌宇浩凯健俊帆帅旭宁龙林阳建志文国海东峰晨泽睿博"
_FEMALE = "芳娜敏静丽艳娟霞秀英华慧巧美婷玉萍红蓉兰凤洁梅琳云莲雪荣爱玲燕彩春菊香月莺媛怡欣悦"

_TRADES = ("商贸", "科技", "建筑工程", "餐饮管理", "物流", "机械制造", "信息技术", "农业开发", "文化传播", "汽车零部件", "医药", "物业服务", "电子", "食品", "装饰工程")  # fmt: skip  # noqa: E501
_BRANDS = "鸿瑞盛泰渝嘉汇江源恒诚信德兴达华宏远通润丰和顺康隆"
_FORMS = ("有限公司", "有限公司", "有限公司", "有限责任公司", "股份有限公司", "合伙企业（有限合伙）")
_CAUSES = ("志愿服务", "环境保护", "养老服务", "青少年发展", "助残", "社区营造", "非遗保护", "农村互助", "心理健康", "科普")  # fmt: skip  # noqa: E501
ORGANISATION_KINDS = ("社会团体", "民办非企业单位", "基金会")
_ENDINGS = {"社会团体": "协会", "民办非企业单位": "服务中心", "基金会": "基金会"}


def surname(random: Random) -> str:
    """A surname, the commoner ones more often."""
    return random.choices(_SURNAMES, cum_weights=_SURNAME_WEIGHTS)[0]


def given_name(random: Random, female: bool) -> str:
    """A given name of one or two characters."""
    characters = _FEMALE if female else _MALE
    return "".join(random.choice(characters) for _ in range(1 if random.random() < 0.25 else 2))


def enterprise_name(random: Random, place: str) -> str:
    """The name of an enterprise of a district."""
    brand = random.choice(_BRANDS) + random.choice(_BRANDS)
    return f"重庆市{place}{brand}{random.choice(_TRADES)}{random.choice(_FORMS)}"


def organisation_name(random: Random, place: str, kind: str) -> str:
    """The name of a social organisation of a district."""
    brand = random.choice(_BRANDS) + random.choice(_BRANDS)
    return f"重庆市{place}{brand}{random.choice(_CAUSES)}{_ENDINGS[kind]}"
