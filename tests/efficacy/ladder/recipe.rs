//! The four recipes, each the file that people copy, and who their clients are. What they are worth is measured elsewhere.

/// A recipe of docs/binding.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipe {
    Article,
    Default,
    Roam,
    Proof,
}

/// Where the client of a recipe keeps its token, and what it proves itself with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// A script of a page, which keeps the token and sends it in `Authorization`.
    Script,
    /// A browser that has signed in with the page and sends the session cookie, which no script can read.
    Browser,
    /// A script; the browser adds the proof cookie, which no script can read.
    ScriptWithCookie,
    /// A script with a key that it can use and not read; it signs a DPoP proof for each request.
    ScriptWithKey,
}

impl Recipe {
    /// In the order of the columns.
    pub(crate) const ALL: [Self; 4] = [Self::Article, Self::Default, Self::Roam, Self::Proof];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Article => "*article*",
            Self::Default => "*default*",
            Self::Roam => "*roam*",
            Self::Proof => "*proof*",
        }
    }

    /// The file of the repository that is the recipe.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Article => "examples/recipes/article.toml",
            Self::Default => "examples/recipes/default.toml",
            Self::Roam => "examples/recipes/roam.toml",
            Self::Proof => "examples/recipes/proof.toml",
        }
    }

    pub(crate) fn client(self) -> Client {
        match self {
            Self::Article => Client::Script,
            Self::Default => Client::Browser,
            Self::Roam => Client::ScriptWithCookie,
            Self::Proof => Client::ScriptWithKey,
        }
    }
}
