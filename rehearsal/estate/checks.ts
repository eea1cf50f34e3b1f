/** What must be true at the end of a rehearsal of an estate. Pure: facts in, verdicts out. */
import type { Check } from "../check";
import { list } from "../list";
import type { CallCount, EstateFacts, VictimFacts } from "./facts";

const where = ({ instance }: VictimFacts) => `${instance.instanceId} in ${instance.accountId}/${instance.region}`;

function wasReady({ readiness, regions, victims }: EstateFacts): Check {
    const wanting = readiness.flatMap(({ region, checks }) =>
        checks.filter(({ state }) => state !== "ok").map((each) => ({ region, ...each })),
    );
    const members = [...new Set(victims.map(({ instance }) => instance.accountId))];
    const looked = (region: string) => readiness.find((each) => each.region === region)?.checks.map(({ id }) => id) ?? [];
    return {
        name: "Preflight was all ok in every Region before the findings, for every member and with GuardDuty's sample finding",
        passed:
            wanting.length === 0 &&
            regions.length > 0 &&
            regions.every((region) =>
                ["sample", ...members.map((accountId) => `responder-allowed ${accountId}`)].every((id) => looked(region).includes(id)),
            ),
        lookedAt: `${list(regions.map((region) => `${looked(region).length} things in ${region}`))}; not ok: ${list(wanting.map(({ region, state, lookedAt, said }) => `${region}: ${lookedAt} ${state}: ${said}`))}`,
    };
}

function ownIncidents({ victims }: EstateFacts): Check {
    const good = ({ executions, instance, incidentId }: VictimFacts) =>
        executions.length === 1 &&
        executions[0]!.region === instance.region &&
        executions[0]!.name === incidentId &&
        executions[0]!.status === "SUCCEEDED";
    return {
        name: "Each finding started one incident of its own, in its own Region, which succeeded",
        passed: victims.length > 0 && victims.every(good) && new Set(victims.map((one) => one.incidentId)).size === victims.length,
        lookedAt: list(
            victims.map(
                (one) => `${where(one)}: ${list(one.executions.map(({ name, region, status }) => `${name} in ${region} ${status}`))}`,
            ),
        ),
    };
}

function ownIsolation({ victims }: EstateFacts): Check {
    const good = ({ interfaces, vpcId }: VictimFacts) =>
        interfaces.length > 0 &&
        interfaces.every(({ groups }) => groups.length === 1 && groups[0]!.isolation && groups[0]!.vpcId === vpcId);
    return {
        name: "Every interface of each victim carries only the isolation group of its own VPC",
        passed: victims.length > 0 && victims.every(good),
        lookedAt: list(
            victims.map(
                (one) =>
                    `${where(one)} in ${one.vpcId}: ${list(one.interfaces.map(({ networkInterfaceId, groups }) => `${networkInterfaceId} carries ${list(groups.map(({ groupId, vpcId }) => `${groupId} of ${vpcId}`))}`))}`,
            ),
        ),
    };
}

function ownEvidence({ victims }: EstateFacts): Check {
    const good = ({ evidence, objects, instance, volumes }: VictimFacts) =>
        volumes > 0 &&
        evidence.length === volumes &&
        evidence.every(({ region, locked }) => locked && region === instance.region) &&
        objects.length === 1 &&
        objects[0]!.region === instance.region &&
        objects[0]!.count > 0;
    return {
        name: "The evidence of each incident is locked in its own Region, and nothing of it lies in another",
        passed: victims.length > 0 && victims.every(good),
        lookedAt: list(
            victims.map(
                (one) =>
                    `${where(one)} with ${one.volumes} volumes: ${list(one.evidence.map(({ region, snapshotId, locked }) => `${snapshotId} in ${region} ${locked ? "locked" : "not locked"}`))}; ${list(one.objects.map(({ region, count }) => `${count} objects in ${region}`))}`,
            ),
        ),
    };
}

function ownReports({ victims }: EstateFacts): Check {
    const good = ({ report, incidentId, instance }: VictimFacts) =>
        report !== null &&
        report.intact &&
        report.incidentId === incidentId &&
        report.instance.instanceId === instance.instanceId &&
        report.instance.accountId === instance.accountId &&
        report.instance.region === instance.region;
    return {
        name: "Each incident has a report about its own instance, with intact evidence",
        passed: victims.length > 0 && victims.every(good),
        lookedAt: list(
            victims.map(
                (one) =>
                    `${where(one)}: ${one.report ? `report of ${one.report.incidentId} about ${one.report.instance.instanceId} in ${one.report.instance.accountId}/${one.report.instance.region}, intact: ${one.report.intact}` : "no report"}`,
            ),
        ),
    };
}

function peopleTold({ victims, slack }: EstateFacts): Check {
    const told = ["Contained", "Support case opened", "First look", "Report"];
    const times = ({ instance }: VictimFacts, title: RegExp) =>
        slack.filter(
            (one) =>
                title.test(one.title) && one.title.includes(`${instance.instanceId} in account ${instance.accountId}, ${instance.region}`),
        ).length;
    const violations = slack.flatMap((one) => one.violations);
    return {
        name: "People were told once of each isolation, support case, first look and report, and of nothing else",
        passed:
            victims.length > 0 &&
            slack.length === told.length * victims.length &&
            violations.length === 0 &&
            victims.every((one) => told.every((what) => times(one, new RegExp(`^(\\[Drill\\] )?${what}: `)) === 1)),
        lookedAt: `${slack.length} messages: ${list(slack.map((one) => `"${one.title}"`))}; Block Kit violations: ${list(violations)}`,
    };
}

/**
 * Services with one endpoint for all Regions of a partition. AWS's SDK signs for the endpoint's Region, and for the caller's own
 * when it is given another endpoint, as here.
 */
const globalServices: Record<string, string> = { iam: "us-east-1", support: "us-east-1" };
/** Stolen credentials are used in any Region, so that the event history of each is read: and nothing else there. */
const readEverywhere = "cloudtrail";

function callsStayAtHome({ calls, victims, regions }: EstateFacts): Check {
    const isAtHome = ({ home, region, accountId, service }: CallCount) =>
        home !== null &&
        accountId === home.accountId &&
        (service === readEverywhere || [home.region, globalServices[service]].includes(region));
    const sum = (some: readonly CallCount[]) => some.reduce((total, one) => total + one.calls, 0);
    const strays = calls.filter((one) => !isAtHome(one));
    const ofIncident = victims.map((victim) => ({ victim, made: sum(calls.filter((one) => one.incidentId === victim.incidentId)) }));
    const members = new Set(victims.map(({ instance }) => instance.accountId));
    const ofNoIncident = calls.filter((one) => one.incidentId === null && one.home !== null);
    const ofRegion = regions.map((region) => ({
        region,
        made: sum(ofNoIncident.filter(({ home }) => home!.region === region && !members.has(home!.accountId))),
    }));
    // Only where the day's readiness check falls into the rehearsal.
    const ofReadiness = sum(ofNoIncident.filter(({ home }) => members.has(home!.accountId)));
    const global = calls.filter((one) => one.service in globalServices);
    return {
        name: "No call of the program left its incident's Region and account",
        passed:
            strays.length === 0 &&
            ofIncident.length > 0 &&
            ofIncident.every(({ made }) => made > 0) &&
            ofRegion.length > 0 &&
            ofRegion.every(({ made }) => made > 0),
        lookedAt:
            `${sum(calls)} calls; in members: ${list(ofIncident.map(({ victim, made }) => `${made} for ${where(victim)}`))}; in the forensics account: ${list(ofRegion.map(({ region, made }) => `${made} by functions and forensic instances of ${region}`))}; ${ofReadiness} in members by checks of readiness; ` +
            `to services that are global: ${list(Object.keys(globalServices).map((service) => `${sum(global.filter((one) => one.service === service))} to ${service} (${list([...new Set(global.filter((one) => one.service === service).map(({ region }) => region))].sort())})`))}; ` +
            `strays: ${list(strays.map((one) => `${one.calls} to ${one.service} in ${one.accountId}/${one.region} by ${one.source}${one.home ? "" : ", which belongs to no Region that is known"}`))}`,
    };
}

/** All checks, each with what it looked at. */
export function runEstateChecks(facts: EstateFacts): Check[] {
    return [wasReady, ownIncidents, ownIsolation, ownEvidence, ownReports, peopleTold, callsStayAtHome].map((check) => check(facts));
}
