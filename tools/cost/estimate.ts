/** What a stack costs, from the resources that the program declares and a small table of prices (prices.json). Pure. */
import type { Declared } from "../program/declared";

/** US dollars, list prices, without free tiers, discounts and tax. */
export interface RegionPrices {
    interfaceEndpointHour: number;
    keyMonth: number;
    alarmMonth: number;
    dashboardMonth: number;
    lambdaGigabyteSecond: number;
    lambdaRequest: number;
    volumeGigabyteMonth: number;
    snapshotGigabyteMonth: number;
    objectGigabyteMonth: number;
    stateTransition: number;
    instanceHour: Record<string, number>;
}
export interface Prices {
    source: string;
    /** Month that they were published in. */
    asOf: string;
    regions: Record<string, RegionPrices>;
    /** Regions that the table does not have: at most this many times us-east-1's price. */
    elsewhere: { atMost: number };
}

export interface CostLine {
    what: string;
    arithmetic: string;
    dollars: number;
}

export interface RegionCost {
    accountId: string;
    region: string;
    lines: CostLine[];
    /** Dollars a month at the prices of us-east-1, or the Region's own where the table has them. */
    dollars: number;
    /** True where the Region's own prices are not in the table. */
    estimated: boolean;
}

/** Hours of a month, as AWS reckons it. */
export const monthHours = 730;
/** Seconds that a run by schedule is taken to last: it looks and finds nothing to do. */
const scheduledSeconds = 2;

const count = (value: unknown): number => (Array.isArray(value) ? value.length : 0);
const dollars = (lines: readonly CostLine[]): number => lines.reduce((sum, line) => sum + line.dollars, 0);

/** Runs a month of a rate such as rate(5 minutes) or rate(1 day). @throws on an expression that it does not know */
export function runsAMonth(expression: string): number {
    const [, amount, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
    if (!amount) throw new Error(`The schedule ${expression} is not a rate; teach tools/cost/estimate.ts to count it.`);
    return (monthHours * 60) / (Number(amount) * { minute: 1, hour: 60, day: 1440 }[unit as "minute" | "hour" | "day"]);
}

function linesOf(resources: readonly Declared[], prices: RegionPrices): CostLine[] {
    const of = (type: string) => resources.filter((each) => each.type === type);
    const zones = of("aws:ec2/vpcEndpoint:VpcEndpoint")
        .filter(({ inputs }) => inputs.vpcEndpointType === "Interface")
        .map(({ inputs }) => count(inputs.subnetIds));
    const endpointZones = zones.reduce((sum, each) => sum + each, 0);
    const keys = of("aws:kms/key:Key").length;
    const alarms = of("aws:cloudwatch/metricAlarm:MetricAlarm").length;
    const dashboards = of("aws:cloudwatch/dashboard:Dashboard").length;
    const runs = of("aws:cloudwatch/eventRule:EventRule")
        .flatMap(({ inputs }) => (typeof inputs.scheduleExpression === "string" ? runsAMonth(inputs.scheduleExpression) : []))
        .reduce((sum, each) => sum + each, 0);
    const memory = 0.5;
    return [
        {
            what: "interface endpoints",
            arithmetic: `${zones.length} services in ${endpointZones} zones together x ${monthHours} h x ${prices.interfaceEndpointHour}`,
            dollars: endpointZones * monthHours * prices.interfaceEndpointHour,
        },
        { what: "KMS keys", arithmetic: `${keys} x ${prices.keyMonth.toFixed(2)}`, dollars: keys * prices.keyMonth },
        { what: "alarms", arithmetic: `${alarms} x ${prices.alarmMonth.toFixed(2)}`, dollars: alarms * prices.alarmMonth },
        {
            what: "dashboards",
            arithmetic: `${dashboards} x ${prices.dashboardMonth.toFixed(2)}; an account's first three are free`,
            dollars: dashboards * prices.dashboardMonth,
        },
        {
            what: "functions by schedule",
            arithmetic: `${Math.round(runs)} runs x ${scheduledSeconds} s x ${memory} GB x ${prices.lambdaGigabyteSecond}, and ${prices.lambdaRequest} a run`,
            dollars: runs * (scheduledSeconds * memory * prices.lambdaGigabyteSecond + prices.lambdaRequest),
        },
    ].filter((line) => line.dollars > 0);
}

/** The idle cost of every account and Region that the stack has resources in. What a StackSet makes in other accounts is not among them. */
export function idleCost(resources: readonly Declared[], prices: Prices): RegionCost[] {
    const places = new Map<string, Declared[]>();
    for (const each of resources) {
        if (!each.custom || each.accountId === null || each.region === null) continue;
        const place = `${each.accountId} ${each.region}`;
        places.set(place, [...(places.get(place) ?? []), each]);
    }
    return [...places].flatMap(([place, ofPlace]) => {
        const [accountId = "", region = ""] = place.split(" ");
        const own = prices.regions[region];
        const lines = linesOf(ofPlace, own ?? prices.regions[stand]!);
        return lines.length === 0 ? [] : [{ accountId, region, lines, dollars: dollars(lines), estimated: own === undefined }];
    });
}

/** The Region whose prices stand in for those that the table does not have. */
const stand = "us-east-1";

export interface IncidentSize {
    /** GB of the victim's volumes together. */
    gigabytes: number;
    /** Hours that the forensic instance lives. */
    hours: number;
    instanceType: string;
    /** Zones of the interface endpoints that an incident makes, over all services; 0 where they stand. */
    endpointZones: number;
    /** Years that results and snapshots are kept. */
    years: number;
}

/** GiB of a forensic instance's root volume (functions/startForensicInstance.ts), GB of results and report, transitions of a workflow. */
const [rootGigabytes, resultGigabytes, transitions] = [64, 1, 200];

/** @throws when the table has no price of the instance type */
export function incidentCost(
    { gigabytes, hours, instanceType, endpointZones, years }: IncidentSize,
    prices: RegionPrices,
): { once: CostLine[]; monthly: CostLine[] } {
    const hour = prices.instanceHour[instanceType];
    if (hour === undefined)
        throw new Error(
            `tools/cost/prices.json has no price of ${instanceType}; add it, or name one of ${Object.keys(prices.instanceHour).join(", ")} with --instance-type.`,
        );
    return {
        once: [
            { what: "forensic instance", arithmetic: `${instanceType}, ${hours} h x ${hour}`, dollars: hours * hour },
            ...(endpointZones === 0
                ? []
                : [
                      {
                          what: "interface endpoints",
                          arithmetic: `${endpointZones} zones x ${hours} h x ${prices.interfaceEndpointHour}`,
                          dollars: endpointZones * hours * prices.interfaceEndpointHour,
                      },
                  ]),
            {
                what: "evidence and work volumes, root",
                arithmetic: `(2 x ${gigabytes} + ${rootGigabytes}) GB x ${prices.volumeGigabyteMonth} x ${hours} h / ${monthHours} h`,
                dollars: ((2 * gigabytes + rootGigabytes) * prices.volumeGigabyteMonth * hours) / monthHours,
            },
            {
                what: "results and report",
                arithmetic: `${resultGigabytes} GB x ${prices.objectGigabyteMonth} x ${12 * years} months`,
                dollars: resultGigabytes * prices.objectGigabyteMonth * 12 * years,
            },
            {
                what: "workflow",
                arithmetic: `about ${transitions} transitions x ${prices.stateTransition}`,
                dollars: transitions * prices.stateTransition,
            },
        ],
        monthly: [
            {
                what: "locked snapshots",
                arithmetic: `${gigabytes} GB x ${prices.snapshotGigabyteMonth}`,
                dollars: gigabytes * prices.snapshotGigabyteMonth,
            },
        ],
    };
}

/** What an incident costs in Regions that have the same prices and instance type. */
export interface IncidentCost {
    regions: string[];
    instanceType: string;
    /** The Region whose prices these are. */
    pricesOf: string;
    /** The Regions' own prices are at most this many times what is shown: 1 where they are the table's. */
    atMost: number;
    once: CostLine[];
    monthly: CostLine[];
}

/** An incident in each Region of a stack. @param typeIn the forensic instance's type in a Region @throws when the table has no price of one */
export function incidentCosts(
    size: Omit<IncidentSize, "instanceType">,
    regions: readonly string[],
    typeIn: (region: string) => string,
    prices: Prices,
): IncidentCost[] {
    const groups = new Map<string, IncidentCost>();
    for (const region of regions) {
        const [pricesOf, instanceType] = [prices.regions[region] ? region : stand, typeIn(region)];
        const key = `${pricesOf} ${instanceType} ${pricesOf === region}`;
        const group = groups.get(key) ?? {
            regions: [],
            instanceType,
            pricesOf,
            atMost: pricesOf === region ? 1 : prices.elsewhere.atMost,
            ...incidentCost({ ...size, instanceType }, prices.regions[pricesOf]!),
        };
        group.regions.push(region);
        groups.set(key, group);
    }
    return [...groups.values()];
}

const row = ({ what, arithmetic, dollars: amount }: CostLine): string =>
    `  ${what.padEnd(32)} ${arithmetic.padEnd(72)} ${amount.toFixed(2).padStart(9)}`;

const few = (items: readonly string[], most = 4): string =>
    `${items.slice(0, most).join(", ")}${items.length > most ? ` and ${items.length - most} more` : ""}`;

function incidentLines({ regions, pricesOf, atMost, once, monthly }: IncidentCost): string[] {
    const whose =
        atMost === 1
            ? `prices of ${pricesOf}`
            : `prices of ${pricesOf}, since the table has none of ${regions.length === 1 ? "this Region" : "these Regions"}: at most ${atMost} times as much`;
    return [
        "",
        `One incident in ${few(regions)} (${whose}):`,
        ...once.map(row),
        row({ what: "once", arithmetic: "", dollars: dollars(once) }),
        ...monthly.map((line) => row({ ...line, what: `${line.what}, a month` })),
    ];
}

/** What an operator reads. @param stackSet whether a StackSet makes the footprint of accounts that are not declared */
export function render(
    stack: string,
    idle: readonly RegionCost[],
    incidents: readonly IncidentCost[],
    prices: Prices,
    stackSet: boolean,
): string {
    const sum = idle.reduce((total, each) => total + each.dollars, 0);
    const most = idle.reduce((total, each) => total + each.dollars * (each.estimated ? prices.elsewhere.atMost : 1), 0);
    // Regions with the same lines are told once, and apart where the prices are not theirs.
    const groups = new Map<string, RegionCost[]>();
    for (const each of idle) {
        const key = JSON.stringify([each.estimated, each.lines]);
        groups.set(key, [...(groups.get(key) ?? []), each]);
    }
    return [
        `Idle, a month, in US dollars (list prices of ${prices.asOf}; where the table has no prices of a Region, those of ${stand}, which others exceed by half at most):`,
        ...[...groups.values()].flatMap((of) => [
            "",
            `${of.length} x: ${few(of.map(({ accountId, region }) => `${accountId} ${region}`))}${of[0]!.estimated ? ` (prices of ${stand})` : ""}`,
            ...of[0]!.lines.map(row),
            row({ what: "together", arithmetic: "", dollars: of[0]!.dollars }),
        ]),
        "",
        `The stack ${stack}: ${sum.toFixed(2)} a month, at most ${most.toFixed(2)}. GuardDuty is billed by what it reads, besides; so are logs.`,
        ...(stackSet
            ? [
                  `Accounts of the units are not among it: where they forward findings, the StackSet makes an alarm in each, ${prices.regions[stand]!.alarmMonth.toFixed(2)} an account and Region.`,
              ]
            : []),
        ...incidents.flatMap(incidentLines),
    ].join("\n");
}
