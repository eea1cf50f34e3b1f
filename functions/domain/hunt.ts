/**
 * Ready statements that look for an incident's indicators elsewhere: CloudWatch Logs Insights, Athena over CloudTrail and VPC flow logs, osquery.
 * Pure. Indicators are hostile text: each goes into a statement as a literal that it cannot leave, and what cannot be made one is left out and counted.
 */
import { visible } from "./visibleText";
import type { InstanceState } from "./instanceState";
import type { Siblings } from "./metadata/siblings";
import type { Indicator } from "./report/indicators";

export interface Statement {
    /** Where to run it. */
    where: string;
    /** What it looks for. */
    what: string;
    text: string;
}

export interface Hunt {
    statements: Statement[];
    /** Indicators that stand in no statement. */
    leftOut: number;
}

/** Values of a kind in one statement: Athena takes 256 KB, Logs Insights 10,000 characters. */
const most = 60;

/** Addresses, domains and hashes have alphabets of their own; anything else is not put into a statement. */
const safe = {
    address: /^[0-9a-f.:]{3,45}$/i,
    domain: /^[a-z0-9.-]{1,253}$/i,
    sha256: /^[0-9a-f]{64}$/,
    user: /^[A-Za-z0-9._-]{1,64}$/,
    // Spaces and everything that any of the languages gives a meaning inside a literal stay out.
    path: /^\/[A-Za-z0-9._/+=@,-]{1,300}$/,
} as const;

const strings = (values: readonly string[]): string => values.map((value) => `'${value}'`).join(", ");
const escapeRegex = (value: string): string => value.replace(/[.+/-]/g, "\\$&");

/**
 * @param indicators only those that are not our own are looked for
 * @param since ISO 8601 date from which on CloudTrail and flow logs are read
 * @param accessKeys access key ids that the alert names
 */
export function huntStatements(indicators: readonly Indicator[], since: string, accessKeys: readonly string[] = []): Hunt {
    const day = /^\d{4}-\d{2}-\d{2}/.exec(since)?.[0] ?? "1970-01-01";
    const theirs = indicators.filter(({ side }) => side === "theirs");
    const of = (kind: keyof typeof safe): string[] => [
        ...new Set(theirs.filter((each) => each.kind === kind && safe[kind].test(each.value)).map(({ value }) => value)),
    ];
    const [addresses, domains, hashes, users, paths] = [of("address"), of("domain"), of("sha256"), of("user"), of("path")].map((values) =>
        values.slice(0, most),
    ) as [string[], string[], string[], string[], string[]];
    const keys = accessKeys.filter((key) => /^(AKIA|ASIA)[A-Z0-9]{12,20}$/.test(key)).slice(0, most);
    const statements: Statement[] = [];
    const add = (where: string, what: string, text: string) => statements.push({ where, what, text });

    if (addresses.length > 0) {
        add(
            "CloudWatch Logs Insights, VPC flow logs",
            "Who else talked to these addresses",
            `fields @timestamp, interfaceId, srcAddr, dstAddr, dstPort, bytes, action\n| filter srcAddr in [${strings(addresses)}] or dstAddr in [${strings(addresses)}]\n| stats sum(bytes) as bytes, min(@timestamp) as first, max(@timestamp) as last by interfaceId, srcAddr, dstAddr, dstPort, action\n| sort bytes desc`,
        );
        add(
            "Athena, VPC flow logs (table vpc_flow_logs)",
            "Who else talked to these addresses, and how much",
            `SELECT interface_id, srcaddr, dstaddr, dstport, action, sum(bytes) AS bytes, from_unixtime(min(start)) AS first, from_unixtime(max("end")) AS last\nFROM vpc_flow_logs\nWHERE "date" >= DATE '${day}' AND (srcaddr IN (${strings(addresses)}) OR dstaddr IN (${strings(addresses)}))\nGROUP BY 1, 2, 3, 4, 5\nORDER BY bytes DESC;`,
        );
        add(
            "Athena, CloudTrail (table cloudtrail_logs)",
            "API calls from these addresses",
            `SELECT eventtime, recipientaccountid, awsregion, eventsource, eventname, errorcode, sourceipaddress, useridentity.arn, useridentity.accesskeyid\nFROM cloudtrail_logs\nWHERE eventtime >= '${day}' AND sourceipaddress IN (${strings(addresses)})\nORDER BY eventtime;`,
        );
        add(
            "osquery",
            "Connections open to these addresses",
            `SELECT p.pid, p.path, p.cmdline, s.remote_address, s.remote_port FROM process_open_sockets s JOIN processes p USING (pid) WHERE s.remote_address IN (${strings(addresses)});`,
        );
    }
    if (domains.length > 0)
        add(
            "CloudWatch Logs Insights, Route 53 Resolver query logs",
            "Who else asked for these domains",
            `fields @timestamp, srcids.instance, query_name, rcode\n| filter query_name like /(?i)^(.*\\.)?(${domains.map(escapeRegex).join("|")})\\.$/\n| stats count(*) as asked, min(@timestamp) as first, max(@timestamp) as last by srcids.instance, query_name\n| sort asked desc`,
        );
    if (keys.length > 0)
        add(
            "Athena, CloudTrail (table cloudtrail_logs)",
            "Everything that was done with these access keys",
            `SELECT eventtime, recipientaccountid, awsregion, eventsource, eventname, errorcode, sourceipaddress, useragent\nFROM cloudtrail_logs\nWHERE eventtime >= '${day}' AND useridentity.accesskeyid IN (${strings(keys)})\nORDER BY eventtime;`,
        );
    if (hashes.length > 0)
        add(
            "osquery",
            "The same files where intruders put them",
            `SELECT h.path, h.sha256 FROM file f JOIN hash h USING (path) WHERE (f.path LIKE '/tmp/%%' OR f.path LIKE '/var/tmp/%%' OR f.path LIKE '/dev/shm/%%' OR f.path LIKE '/usr/local/%%' OR f.path LIKE '/var/www/%%') AND f.type = 'regular' AND h.sha256 IN (${strings(hashes)});`,
        );
    if (paths.length > 0)
        add(
            "osquery",
            "The same paths",
            `SELECT path, uid, mode, size, datetime(mtime, 'unixepoch') AS modified FROM file WHERE path IN (${strings(paths)});`,
        );
    if (users.length > 0)
        add(
            "osquery",
            "Accounts with these names, and who logs in by them",
            `SELECT u.username, u.uid, u.shell, l.host, datetime(l.time, 'unixepoch') AS at FROM users u LEFT JOIN last l USING (username) WHERE u.username IN (${strings(users)});`,
        );
    const used = addresses.length + domains.length + hashes.length + users.length + paths.length;
    return { statements, leftOut: theirs.filter(({ kind }) => kind !== "key" && kind !== "url").length - used };
}

/** The siblings that were kept at the incident, a line each, replacements first. Nothing in a line is a statement: EC2 gave ids and addresses. */
export function siblingLines({ instanceId, compared, siblings, leftOut }: Siblings): string[] {
    const lines = siblings.map(({ instanceId: id, state, shares, publicAddresses, replacement }) => {
        const reach = publicAddresses.length > 0 ? publicAddresses.join(", ") : "no public address";
        return `--   ${visible(`${id}  ${state}  ${reach}  ${replacement ? "REPLACEMENT, same weakness likely; " : ""}shares ${shares.join(", ")}`)}`;
    });
    return [
        `-- Siblings of ${instanceId}: ${siblings.length + leftOut} of ${compared} instances of its account and Region share something with it.`,
        ...lines,
        ...(leftOut > 0 ? [`--   and ${leftOut} more, which share less: see metadata/siblings.json of the incident`] : []),
    ];
}

/** Ids, names and ARNs of AWS that can stand in a command as they are. */
const awsName = /^[A-Za-z0-9][A-Za-z0-9:/_.-]{2,200}$/;

/**
 * Commands of the AWS CLI, for the member account, that list the instances with the same weakness: the replacement first, then who shares role, image,
 * groups and subnets. A replacement of the same image is likely as weak as the instance was.
 *
 * @param state the instance before the first change
 * @param imageId as the alert names it; null where it does not
 */
export function siblingStatements(state: InstanceState, imageId: string | null): Statement[] {
    const { region, accountId, instanceId } = state.instance;
    const groups = [...new Set(state.interfaces.flatMap((each) => each.groups))];
    const subnets = [...new Set(state.interfaces.map(({ subnetId }) => subnetId))];
    const shared: [what: string, filter: string, values: (string | null | undefined)[]][] = [
        ["Its Auto Scaling group, the replacement among them", "tag:aws:autoscaling:groupName", [state.autoScaling?.group]],
        ["Who has the same instance profile, so the same role", "iam-instance-profile.arn", [state.instanceProfileArn]],
        ["Who was launched from the same image", "image-id", [imageId]],
        ["Who has a security group that it had", "network-interface.group-id", groups],
        ["Who stands in the same subnet", "subnet-id", subnets],
    ];
    return shared.flatMap(([what, filter, values]) => {
        const known = values.filter((value): value is string => typeof value === "string" && awsName.test(value)).slice(0, most);
        if (known.length === 0) return [];
        return [
            {
                where: `AWS CLI, in account ${accountId}`,
                what,
                text: `aws ec2 describe-instances --region ${region} --filters 'Name=${filter},Values=${known.join(",")}' 'Name=instance-state-name,Values=pending,running,stopped' --query 'Reservations[].Instances[?InstanceId!=\`${instanceId}\`][].[InstanceId,State.Name,LaunchTime,PublicIpAddress,PrivateIpAddress,ImageId,KeyName]' --output table`,
            },
        ];
    });
}
