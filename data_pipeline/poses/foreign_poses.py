"""Telling the pose files of other programs from poses.json."""


def format_of(content):
    """Returns what the content of a JSON file looks like, if that is a known format of other programs, else ''."""
    first = content[0] if isinstance(content, list) and content else content
    if not isinstance(first, dict) or 'poses' in first:
        return ''
    if isinstance(first.get('people'), list):
        return "OpenPose's key points, which are 2D"
    if 'annotations' in first and 'images' in first:
        return "COCO's annotations, whose key points are 2D"
    if 'instance_info' in first:
        return "MMPose's key points"
    if isinstance(content, list) and 'keypoints' in first:
        return 'key points as AlphaPose and COCO have them, which are 2D'
    return ''
