"""Stories: reports of one development folded into one story."""

from transforms.stories.transform import FoldStories

__all__ = ["FoldStories"]
