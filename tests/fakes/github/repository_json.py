"""A repository and its owner as the REST API describes them: all that GitHub's schema requires."""

from typing import Any

from fakes.github.hub import Hub

MADE = "2024-01-02T03:04:05Z"
PARTS = {
    "archive": "{archive_format}{/ref}",
    "assignees": "assignees{/user}",
    "blobs": "git/blobs{/sha}",
    "branches": "branches{/branch}",
    "collaborators": "collaborators{/collaborator}",
    "comments": "comments{/number}",
    "commits": "commits{/sha}",
    "compare": "compare/{base}...{head}",
    "contents": "contents/{+path}",
    "git_commits": "git/commits{/sha}",
    "git_refs": "git/refs{/sha}",
    "git_tags": "git/tags{/sha}",
    "issue_comment": "issues/comments{/number}",
    "issue_events": "issues/events{/number}",
    "issues": "issues{/number}",
    "keys": "keys{/key_id}",
    "labels": "labels{/name}",
    "milestones": "milestones{/number}",
    "notifications": "notifications{?since,all,participating}",
    "pulls": "pulls{/number}",
    "releases": "releases{/id}",
    "statuses": "statuses/{sha}",
    "trees": "git/trees{/sha}",
}
PLAIN_PARTS = (
    "contributors deployments downloads events forks hooks languages merges stargazers subscribers subscription tags "
    "teams"
)
COUNTS = (
    "forks forks_count network_count open_issues open_issues_count size stargazers_count subscribers_count watchers "
    "watchers_count"
)
FLAGS = "archived disabled fork has_discussions has_issues has_pages has_projects has_wiki"
UNSET = "description homepage language license mirror_url"
OWNER_PARTS = "events followers following gists organizations received_events repos starred subscriptions"


def describe_repository(hub: Hub) -> dict[str, Any]:
    """Return what GitHub says of the repository; it changes only with the hub's own fields."""
    full = f"{hub.owner}/{hub.repo}"
    web = f"{hub.origin}/{full}"
    return {
        "id": 1,
        "node_id": "R_1",
        "name": hub.repo,
        "full_name": full,
        "owner": describe_owner(hub),
        "private": hub.private,
        "default_branch": hub.default_branch,
        "permissions": hub.permissions,
        "url": hub.repo_url,
        "html_url": web,
        "svn_url": web,
        "clone_url": hub.git_url,
        "git_url": hub.git_url,
        "ssh_url": hub.git_url,
        **{f"{name}_url": f"{hub.repo_url}/{part}" for name, part in PARTS.items()},
        **{f"{name}_url": f"{hub.repo_url}/{name}" for name in PLAIN_PARTS.split()},
        **dict.fromkeys(("created_at", "updated_at", "pushed_at"), MADE),
        **dict.fromkeys(COUNTS.split(), 0),
        **dict.fromkeys(FLAGS.split(), False),
        **dict.fromkeys(UNSET.split()),
    }


def describe_owner(hub: Hub) -> dict[str, Any]:
    """Return what GitHub says of the user who has the repository."""
    url = f"{hub.url}/users/{hub.owner}"
    return {
        "login": hub.owner,
        "id": 1,
        "node_id": "U_1",
        "type": "User",
        "site_admin": False,
        "gravatar_id": "",
        "url": url,
        "html_url": f"{hub.origin}/{hub.owner}",
        "avatar_url": f"{hub.origin}/{hub.owner}.png",
        **{f"{name}_url": f"{url}/{name}" for name in OWNER_PARTS.split()},
    }
