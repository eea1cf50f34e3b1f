/**
 * Ways through which a tracked connection outlives a change of security groups. AWS tracks flows through these always,
 * so no group can make them drop; the report names them for people to decide.
 *
 * Source: EC2 user guide, "Security group connection tracking".
 */
export interface Route {
    /** `nat-…`, `tgw-…`, `eigw-…`, `vpce-…` (firewall or gateway load balancer endpoint), and others. */
    target: string;
    destination: string;
}

const alwaysTracked: [RegExp, string][] = [
    [/^nat-/, "NAT gateway"],
    [/^tgw-/, "transit gateway"],
    [/^eigw-/, "egress-only internet gateway"],
    [/^vpce-/, "firewall or gateway load balancer endpoint"],
    [/^vgw-/, "virtual private gateway"],
];

/** Always there: the Amazon-provided resolver answers whatever the groups and network ACLs say, and DNS carries what it is asked. */
const resolver = "the VPC's DNS resolver (no group or network ACL filters it; Route 53 Resolver DNS Firewall does)";

/** Names every such way that the routes, targets and endpoints at hand open to the instance. */
export function trackedPaths(facts: {
    routes: Route[];
    networkLoadBalancers: string[];
    interfaceEndpoints: { id: string; service: string }[];
}): string[] {
    const routes = facts.routes.flatMap(({ target, destination }) =>
        alwaysTracked.filter(([pattern]) => pattern.test(target)).map(([, what]) => `${what} ${target} (route to ${destination})`),
    );
    const endpoints = facts.interfaceEndpoints.map(({ id, service }) => `interface endpoint ${id} (${service})`);
    const balancers = facts.networkLoadBalancers.map((arn) => `Network Load Balancer through ${arn}`);
    return [...new Set([...routes, ...balancers, ...endpoints])].sort().concat(resolver);
}

/** What outlives a network ACL that denies everything: it stands at the subnet's edge and does not see what stays inside. */
export function insideSubnet(paths: string[]): string[] {
    return paths
        .filter((path) => !/^(NAT gateway|egress-only internet gateway|virtual private gateway) /.test(path))

        .map((path) => (path === resolver ? path : `${path}, where it stands in the instance's own subnet`));
}

/** Interfaces that are named in a line. */
const mostNamed = 5;

/** Branch interfaces beside an instance with a trunk, of which only a tag says that they are another's: whoever may tag can write it. */
export function markedElsewhere(ids: readonly string[]): string[] {
    if (ids.length === 0) return [];
    const more = ids.length > mostNamed ? ` and ${ids.length - mostNamed} more` : "";
    return [
        `branch interfaces that their tag gives to other instances of the VPC (${ids.slice(0, mostNamed).join(", ")}${more}): where somebody wrote that tag, a pod or task of this instance goes on`,
    ];
}
