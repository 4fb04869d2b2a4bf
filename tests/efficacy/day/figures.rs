//! What is known about how clients move, each figure with where it comes from; what nobody has published is marked as
//! assumed, and how much it matters is shown by running with a low and a high value in its place.

/// A figure of the model, by its place in [`ROWS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    HomeStable,
    HomeDaily,
    HomeChangeDays,
    PrefixDays,
    DualStack,
    RaceLost,
    Trips,
    OtherWifi,
    PoolHop,
    SeveralEgresses,
    Cafe,
    Visits,
    Connections,
    UpdateDays,
    DesktopMode,
}

/// One row of the table of figures.
pub(crate) struct Row {
    pub(crate) figure: Figure,
    pub(crate) what: &'static str,
    /// Low, middle, high.
    pub(crate) values: [u32; 3],
    pub(crate) source: &'static str,
}

/// Which value of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Low,
    Middle,
    High,
}

/// A value for each figure.
#[derive(Clone)]
pub(crate) struct Scenario([u32; ROWS.len()]);

impl Scenario {
    /// Every figure at one level.
    pub(crate) fn all(level: Level) -> Self {
        Self(std::array::from_fn(|place| ROWS[place].values[level as usize]))
    }

    /// The same with one figure at another level.
    pub(crate) fn with(mut self, figure: Figure, level: Level) -> Self {
        self.0[figure as usize] = ROWS[figure as usize].values[level as usize];
        self
    }

    pub(crate) fn get(&self, figure: Figure) -> u32 {
        self.0[figure as usize]
    }
}

/// In the order of [`Figure`].
pub(crate) const ROWS: [Row; 15] = [
    Row {
        figure: Figure::HomeStable,
        what: "home lines that keep one IPv4 address all month, %",
        values: [75, 60, 45],
        source: "nearly 60 % of US machines used one address in June 2008, fewer than half in 2007 [comScore 2008]; over 60 % of 1,804 hosts in two months [DIMES 2010]; low assumed",
    },
    Row {
        figure: Figure::HomeDaily,
        what: "home lines renumbered every 24 h, %",
        values: [5, 15, 25],
        source: "20 providers renumber after a fixed time, mostly 24 h [IMC 2016]; 15 % makes about 6 addresses per line and month, and nearly 6 per machine were seen [comScore 2008]; low and high assumed",
    },
    Row {
        figure: Figure::HomeChangeDays,
        what: "days between two changes of the other home lines, on average",
        values: [20, 10, 5],
        source: "assumed; changes follow outages of line and power [IMC 2016]",
    },
    Row {
        figure: Figure::PrefixDays,
        what: "days between two changes of a home's IPv6 prefix where the line is not renumbered daily, on average",
        values: [180, 90, 30],
        source: "\"often remaining stable for months\" [CoNEXT 2020]; the numbers assumed",
    },
    Row {
        figure: Figure::DualStack,
        what: "home lines and mobile carriers with IPv6, %",
        values: [42, 50, 70],
        source: "42 % by APNIC, 50 % by Google [APNIC 2026]; high assumed",
    },
    Row {
        figure: Figure::RaceLost,
        what: "connections of a dual-stack client that go over IPv4, %",
        values: [1, 2, 5],
        source: "about 2 % [ANRW 2016]; low and high assumed",
    },
    Row { figure: Figure::Trips, what: "times a day that a phone leaves home", values: [1, 2, 4], source: "assumed" },
    Row {
        figure: Figure::OtherWifi,
        what: "of these, that reach another Wi-Fi network, %",
        values: [20, 40, 60],
        source: "more than 40 % of Wi-Fi users met several access points in a day [IMC 2015]; low and high assumed",
    },
    Row {
        figure: Figure::PoolHop,
        what: "mobile carriers that change the IPv4 address from visit to visit, %",
        values: [0, 10, 30],
        source: "RFC 6888 REQ-2 asks for one address per subscriber; addresses that changed within minutes were seen [IMC 2009]; the numbers assumed",
    },
    Row {
        figure: Figure::SeveralEgresses,
        what: "offices with several outgoing addresses, %",
        values: [5, 10, 20],
        source: "assumed; that they exist: [uktrade 1967], [camcops 226]",
    },
    Row {
        figure: Figure::Cafe,
        what: "days on which a laptop is used in a foreign network too, %",
        values: [5, 10, 20],
        source: "assumed",
    },
    Row {
        figure: Figure::Visits,
        what: "visits a day (office computers on working days only)",
        values: [4, 8, 16],
        source: "assumed",
    },
    Row {
        figure: Figure::Connections,
        what: "connections in a visit",
        values: [1, 2, 6],
        source: "assumed; HTTP/2 needs one, browsers open up to six with HTTP/1.1",
    },
    Row {
        figure: Figure::UpdateDays,
        what: "days between two major versions of Chrome, Edge and Firefox",
        values: [28, 14, 14],
        source: "two weeks since Chrome 153, Edge 152 and Firefox 154 in the late summer of 2026, four weeks before [Edge 2026], [Firefox 2026]",
    },
    Row {
        figure: Figure::DesktopMode,
        what: "visits with \"request desktop site\", per 100 phones and day",
        values: [0, 1, 3],
        source: "assumed",
    },
];

/// Where the figures come from, by the name in brackets.
pub(crate) const SOURCES: [(&str, &str); 11] = [
    (
        "comScore 2008",
        "C. Meierhoefer, *The Myth of Static IP*, comScore, 4 September 2008, https://www.comscore.com/Insights/Blog/The-Myth-of-Static-IP",
    ),
    (
        "DIMES 2010",
        "O. Argon, A. Bremler-Barr, O. Mokryn, D. Schirman, Y. Shavitt, U. Weinsberg, *On the Dynamics of IP Address Allocation and Availability of End-Hosts*, arXiv:1011.2324",
    ),
    (
        "IMC 2016",
        "R. Padmanabhan, A. Dhamdhere, E. Aben, kc claffy, N. Spring, *Reasons Dynamic Addresses Change*, IMC 2016, https://doi.org/10.1145/2987443.2987461 (3,038 RIPE Atlas probes in 929 networks)",
    ),
    (
        "CoNEXT 2020",
        "R. Padmanabhan, J. P. Rula, P. Richter, S. D. Strowes, A. Dainotti, *DynamIPs: Analyzing address assignment practices in IPv4 and IPv6*, CoNEXT 2020",
    ),
    (
        "APNIC 2026",
        "*Google hits 50% IPv6*, APNIC Blog, 28 April 2026, https://blog.apnic.net/2026/04/28/google-hits-50-ipv6/",
    ),
    (
        "ANRW 2016",
        "V. Bajpai, J. Schönwälder, *Measuring the Effects of Happy Eyeballs*, ANRW 2016, https://doi.org/10.1145/2959424.2959429",
    ),
    (
        "IMC 2015",
        "K. Fukuda, H. Asai, K. Nagami, *Tracking the Evolution and Diversity in Network Usage of Smartphones*, IMC 2015 (over 1,500 users, 2013 to 2015)",
    ),
    (
        "IMC 2009",
        "M. Balakrishnan, I. Mohomed, V. Ramasubramanian, *Where's that Phone? Geolocating IP Addresses on 3G Networks*, IMC 2009",
    ),
    (
        "uktrade 1967",
        "https://github.com/uktrade/data-workspace-frontend/pull/1967; [camcops 226]: https://github.com/ucam-department-of-psychiatry/camcops/issues/226",
    ),
    (
        "Firefox 2026",
        "the dates of releases: https://github.com/endoflife-date/endoflife.date/blob/master/products/firefox.md",
    ),
    ("Edge 2026", "Edge and Chrome: https://github.com/MicrosoftEdge/WebView2Announcements/issues/137"),
];

#[test]
fn every_figure_stands_in_its_place_and_names_sources_that_are_listed() {
    for (place, row) in ROWS.iter().enumerate() {
        assert_eq!(row.figure as usize, place, "{}", row.what);
        let named = row.source.split('[').skip(1).filter_map(|rest| rest.split(']').next());
        for name in named {
            let is_listed = SOURCES.iter().any(|(source, text)| *source == name || text.contains(&format!("[{name}]")));
            assert!(is_listed, "{name} is not among the sources");
        }
        let [low, middle, high] = row.values;
        assert!((low <= middle && middle <= high) || (low >= middle && middle >= high), "{}", row.what);
    }
}
