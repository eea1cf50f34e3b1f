/** What must be true where memory is taken before the last cut. Pure. */
import type { Check } from "../check";
import type { Facts } from "../facts";
import { list } from "../list";
import type { MemoryFacts } from "./facts";
import { planted } from "./prepare";

type Judge = (facts: Facts, memory: MemoryFacts) => Check;

const quarantined: Judge = (_facts, { quarantine, endpointGroup }) => ({
    name: "While memory was taken, the victim had one way out: 443 to its VPC's own endpoints of Systems Manager",
    passed: quarantine !== null && quarantine.ingress.length === 0 && quarantine.egress.join() === `tcp 443-443 to ${endpointGroup}`,
    lookedAt: quarantine
        ? `interfaces carried ${list(quarantine.interfaces.map((each) => list(each)))}; ${quarantine.groupId} let in ${list(quarantine.ingress)} and out ${list(quarantine.egress)}; the endpoints' group is ${endpointGroup}`
        : "the victim was never seen in quarantine",
});

const onlyTheAgent: Judge = (_facts, { quarantine }) => ({
    name: "Meanwhile its stolen credentials were denied, and its agent's calls were not",
    passed: quarantine !== null && quarantine.agentOnline && quarantine.stolenCredentials === "UnauthorizedOperation",
    lookedAt: quarantine
        ? `agent ${quarantine.agentOnline ? "online" : "not online"}; ec2:DescribeInstances with the victim's credentials: ${quarantine.stolenCredentials}`
        : "the victim was never seen in quarantine",
});

const inTime: Judge = (_facts, { told, containedAt, sentAt, atMostSeconds }) => {
    const [began, contained] = [told && Date.parse(told.beganAt), containedAt && Date.parse(containedAt)];
    return {
        name: `It was contained at most ${atMostSeconds} s after containment began, after its memory and not before`,
        passed:
            began !== null &&
            contained !== null &&
            contained !== "" &&
            contained - began <= atMostSeconds * 1000 &&
            told !== null &&
            told.endedAt !== null &&
            contained > Date.parse(told.endedAt) &&
            began >= sentAt,
        lookedAt: `containment began at ${told?.beganAt ?? "no known time"}, collecting ended at ${told?.endedAt ?? "no known time"}, contained at ${containedAt ?? "no known time"}`,
    };
};

const taken: Judge = (_facts, { told, mode }) => ({
    name: `What lives only in memory was taken (${mode})`,
    // An image may be impossible on this machine: then it says so, and the volatile state is there.
    passed: told !== null && told.files !== null && told.files > 10 && (told.outcome === "complete" || (mode === "full" && !!told.reason)),
    lookedAt: told
        ? `${told.outcome}${told.reason ? `: ${told.reason}` : ""}; ${told.files ?? "no"} files, ${told.bytes ?? "no"} bytes`
        : "the containment says nothing of it",
});

const preserved: Judge = ({ evidenceSnapshots }, { told, volumesLeft }) => ({
    name: "The acquisition volume is locked evidence in the forensics account, and gone from the member account",
    passed:
        !!told?.volumeId &&
        volumesLeft.length === 0 &&
        evidenceSnapshots.some(({ sourceVolumeId, lock }) => sourceVolumeId === told.volumeId && lock !== null),
    lookedAt: `volume ${told?.volumeId ?? "unknown"}; left in the member account: ${list(volumesLeft)}`,
});

/** What an analysis says of each thing that was planted. */
const signs: [what: string, title: RegExp][] = [
    ["deleted executable", /running program was deleted/],
    ["LD_PRELOAD", /started with LD_PRELOAD/],
    ["listening socket", /suspicious program listens/],
];

const plantedFound: Judge = ({ findings, reportText }, { told }) => {
    const ours = findings.filter(({ volumeId, evidence }) => volumeId === told?.volumeId && evidence.includes(planted.program));
    const missed = signs.filter(([, title]) => !ours.some((each) => title.test(each.title)));
    const inReport = reportText.includes(planted.program);
    return {
        name: "The planted process was found in what was taken, by each of its signs, and stands in the report",
        passed: missed.length === 0 && inReport,
        lookedAt: `${list(ours.map(({ severity, title }) => `${severity}: ${title}`))}; missed: ${list(missed.map(([what]) => what))}; ${inReport ? "in" : "NOT in"} the report`,
    };
};

/** None where no memory is taken. */
export const memoryChecks = (facts: Facts): Check[] =>
    facts.memory === null
        ? []
        : [quarantined, onlyTheAgent, inTime, taken, preserved, plantedFound].map((judge) => judge(facts, facts.memory!));
