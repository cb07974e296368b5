"""Texts that show the encoder the range of its inner values, column by column (see fitted.py).

The ranges come from the weights much more than from the texts: 348 headlines gave vectors no nearer to the reference than
these sixteen. They tell of many things, in many forms, and of no watch.
"""

SAMPLES = (
    "Talks between the two ministers ended without a result.",
    "Army moves 12,000 soldiers and tanks to the border, satellite images show",
    "“We do not want a war,” the president told reporters on Monday. He warned of consequences.",
    "Gas prices rise to $1,200 as winter nears; parliament to discuss sanctions next week",
    "Live updates: what we know so far about the storm",
    "Who is the new foreign secretary of the island? | Profile",
    "COVID-19: hospitals in the capital report 3,451 new cases and 87 deaths in 24 hours, the ministry of health said",
    "Alliance will defend every inch of its territory, its head says",
    "Football: home side wins 3-1 after extra time",
    "The navy said its ships were on an exercise. Fishermen saw them near the strait at dawn, and villagers left their homes.",
    "Why bread costs more",
    "U.S. and Canada agree on trade deal (agency)",
    "Übung im Süden verlängert; reunión en la capital",
    "",
    "election",
    "A court in the north sentenced the former mayor to six years in prison for fraud, her lawyer said, adding that she would "
    "appeal.",
)
