/** What must be true at the end of a rehearsal. Pure: facts in, verdicts out. See collectFacts.ts for where facts come from. */
import type { Severity } from "../functions/domain/analysisOutputs";
import { severities } from "../functions/domain/analysisOutputs";
import type { ArtefactTruth } from "./disks/groundTruth";
import {
    credentialsCut,
    interfacesIsolated,
    isolationGroupEmpty,
    noTrafficToVictim,
    replacementRuns,
    victimKept,
} from "./containmentChecks";
import type { Check } from "./check";
import { displayPath } from "./displayPath";
import type { Facts } from "./facts";
import { list } from "./list";
import { memoryChecks } from "./memory/checks";

function snapshotsLocked({ volumes: own, evidenceSnapshots, forensicsAccountId, now, memory }: Facts): Check {
    // What was taken of its memory lies on a volume of its own, and is evidence like them.
    const volumes = [...own.map(({ volumeId }) => volumeId), ...(memory?.told?.volumeId ? [memory.told.volumeId] : [])];
    const good = (volumeId: string) =>
        evidenceSnapshots.filter(
            (one) =>
                one.sourceVolumeId === volumeId &&
                one.ownerId === forensicsAccountId &&
                one.state === "completed" &&
                one.encrypted &&
                one.lock !== null &&
                Date.parse(one.lock.expiresAt) > now,
        );
    return {
        name: "One locked snapshot per volume stands in the forensics account",
        passed:
            volumes.length > 0 && evidenceSnapshots.length === volumes.length && volumes.every((volumeId) => good(volumeId).length === 1),
        lookedAt: `${volumes.length} volumes; ${list(
            evidenceSnapshots.map(
                (one) =>
                    `${one.snapshotId} of ${one.sourceVolumeId ?? "an unknown volume"} in ${one.ownerId}, ${one.state}, ${one.encrypted ? "encrypted" : "not encrypted"}, ${one.lock ? `${one.lock.mode} lock until ${one.lock.expiresAt}` : "not locked"}`,
            ),
        )}`,
    };
}

function imagesUnchanged({ volumes }: Facts): Check {
    return {
        name: "The disk images behind the victim's volumes are unchanged",
        passed: volumes.length > 0 && volumes.every((one) => one.sha256Before === one.sha256After),
        lookedAt: list(volumes.map((one) => `${one.role}: SHA-256 ${one.sha256Before} before, ${one.sha256After} after`)),
    };
}

function forensicResourcesGone({ forensicInstances, forensicVolumes }: Facts): Check {
    const left = [...forensicInstances.filter(({ state }) => state !== "terminated"), ...forensicVolumes];
    return {
        name: "The forensic instance and its volumes are gone",
        // Without an instance that ever ran there was nothing to take down, and nothing was analysed.
        passed: forensicInstances.length > 0 && left.length === 0,
        lookedAt: `${list(forensicInstances.map((one) => `${one.id} ${one.state}`))}; volumes left: ${list(forensicVolumes.map((one) => `${one.id} ${one.state}`))}`,
    };
}

function reportStored({ report, manifest }: Facts): Check {
    const broken = manifest?.objects.filter((one) => one.expected !== one.actual) ?? [];
    return {
        name: "Report and manifest are in the evidence bucket, and the manifest holds",
        passed: report !== null && report.htmlBytes > 0 && manifest !== null && manifest.objects.length > 0 && broken.length === 0,
        lookedAt: `${report ? `report.html of ${report.htmlBytes} bytes` : "no report"}; ${
            manifest
                ? `manifest of ${manifest.objects.length} objects, ${broken.length === 0 ? "all with the SHA-256 it names" : `altered or missing: ${list(broken.map((one) => one.key))}`}`
                : "no manifest"
        }`,
    };
}

function evidenceIntact({ report }: Facts): Check {
    return {
        name: "The report says that the evidence is intact",
        // Whether it is complete depends on the disk and on what this machine allows; the report says so itself.
        passed: report !== null && report.intact,
        lookedAt: report ? `intact: ${report.intact}, complete: ${report.complete}` : "no report",
    };
}

function custodyHolds({ custody }: Facts): Check {
    const unseen = custody.tamperings.filter(({ found }) => found === null);
    return {
        name: "The case verifies as intact, and every tampering with it is found",
        passed: custody.wrong === null && custody.proves === "origin" && custody.tamperings.length > 10 && unseen.length === 0,
        lookedAt: `${custody.wrong ?? "intact"} (${list(custody.lookedAt)}); ${custody.tamperings.length} tamperings, not found: ${list(unseen.map(({ what }) => what))}`,
    };
}

function momentKept({ metadata, credentialCalls }: Facts): Check {
    const rounds = [...new Set(metadata.map(({ round }) => round))];
    const lost = metadata.filter(({ missing }) => missing.length > 0);
    return {
        name: "What AWS said of the instance was kept, twice, with the calls that its stolen credentials made",
        passed: rounds.length === 2 && metadata.length > 15 && lost.length === 0 && credentialCalls.includes("DescribeInstances"),
        lookedAt: `rounds: ${list(rounds)}; ${metadata.length} parts, ${metadata.filter(({ outcome }) => outcome === "none").length} of them of what is not there; not whole: ${list(lost.map(({ part, missing }) => `${part} (${missing.join("; ")})`))}; calls with the victim's credentials: ${list([...new Set(credentialCalls)])}`,
    };
}

function ticketOpened({ tickets, incidentId }: Facts): Check {
    const ours = tickets.filter((one) => one.text.includes(incidentId));
    return {
        name: "A ticket was opened",
        passed: ours.length === 1,
        lookedAt: `${tickets.length} support cases, of this incident: ${list(ours.map((one) => one.id))}`,
    };
}

/** A message of the incident: its first line says what and names the instance, and Slack would have taken it. */
function slackTold(name: string, title: RegExp): (facts: Facts) => Check {
    return ({ slack, instanceId }) => {
        const ours = slack.filter((one) => title.test(one.title) && one.title.includes(instanceId));
        return {
            name,
            passed: ours.length === 1 && ours[0]!.violations.length === 0,
            lookedAt: `${slack.length} messages: ${list(slack.map((one) => `"${one.title}"`))}; Block Kit violations: ${list(slack.flatMap((one) => one.violations))}`,
        };
    };
}

const slackToldOfIsolation = slackTold("Slack was told of the isolation", /^(\[Drill\] )?Contained: /);
const slackToldOfReport = slackTold("Slack was told of the report", /^(\[Drill\] )?Report: /);

/** Seconds into the analysis in which people hear the first look. */
const firstLookSeconds = 60;

function firstLookTold({ slack, firstLook, instanceId }: Facts): Check {
    const ours = slack.filter((one) => /^(\[Drill\] )?First look: /.test(one.title) && one.title.includes(instanceId));
    const after = firstLook && (firstLook.toldAt - firstLook.analysisStartedAt) / 1000;
    return {
        name: `People were told the first look at most ${firstLookSeconds} s into the analysis, before the report`,
        passed:
            ours.length === 1 &&
            ours[0]!.violations.length === 0 &&
            firstLook !== null &&
            after! <= firstLookSeconds &&
            firstLook.toldAt < firstLook.reportAt,
        lookedAt: firstLook
            ? `told ${after} s after the analysis began, the report ${(firstLook.reportAt - firstLook.analysisStartedAt) / 1000} s after; ${ours.length} messages; Block Kit violations: ${list(ours.flatMap((one) => one.violations))}`
            : "nobody was told a first look, or there was no report",
    };
}

/** Whether the analysis reported a planted artefact: same volume, check and path, at least as severe. */
function isFound(artefact: ArtefactTruth, { findings, volumes }: Facts): boolean {
    const volumeId = volumes.find((one) => one.role === artefact.volume)?.volumeId;
    const atLeast = (severity: Severity) => severities.indexOf(severity) <= severities.indexOf(artefact.severityAtLeast);
    return findings.some(
        (one) =>
            one.volumeId === volumeId && one.check === artefact.check && atLeast(one.severity) && one.path === displayPath(artefact.path),
    );
}

function artefactsFound(facts: Facts): Check {
    const replayed = (role: ArtefactTruth["volume"]) => facts.journalReplayed.includes(role);
    const expected = facts.artefacts.filter((one) => !one.needsJournalReplay || replayed(one.volume));
    const missed = expected.filter((one) => !isFound(one, facts));
    return {
        name: "Every planted artefact was found",
        passed: expected.length > 0 && missed.length === 0,
        lookedAt: `${expected.length} of ${facts.artefacts.length} planted artefacts can be seen (journal replayed on: ${list(facts.journalReplayed)}), ${facts.findings.length} findings; missed: ${list(missed.map((one) => `${one.id} (${one.check} ${displayPath(one.path)})`))}`,
    };
}

function alarmTold({ alarm: { name, rungAt, toldAt, saysWhy } }: Facts): Check {
    return {
        name: "An alarm reached the channel",
        passed: toldAt !== null && saysWhy,
        lookedAt: `${name}: ${toldAt === null ? "nobody was told" : `told ${(toldAt - rungAt) / 1000} s after it went off, ${saysWhy ? "with" : "without"} its reason`}`,
    };
}

function wasReady({ readiness }: Facts): Check {
    const wanting = readiness.filter(({ state }) => state !== "ok");
    return {
        name: "Preflight was all ok before the finding, and GuardDuty's sample arrived",
        passed: wanting.length === 0 && readiness.some(({ id }) => id === "sample"),
        lookedAt: `${readiness.length} things; not ok: ${list(wanting.map(({ state, lookedAt, said }) => `${lookedAt} ${state}: ${said}`))}`,
    };
}

/** All checks, each with what it looked at. */
export function runChecks(facts: Facts): Check[] {
    return [
        wasReady,
        alarmTold,
        interfacesIsolated,
        isolationGroupEmpty,
        credentialsCut,
        victimKept,
        replacementRuns,
        noTrafficToVictim,
        snapshotsLocked,
        imagesUnchanged,
        forensicResourcesGone,
        reportStored,
        evidenceIntact,
        custodyHolds,
        momentKept,
        ticketOpened,
        slackToldOfIsolation,
        firstLookTold,
        slackToldOfReport,
        artefactsFound,
    ]
        .map((check) => check(facts))
        .concat(memoryChecks(facts));
}
