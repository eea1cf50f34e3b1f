/**
 * What a failed step means for the people who are told of it: what to do, and how the instance and the evidence stand.
 */
import { isReportedStep, type ReportedStep } from "./steps";

/** How far the response is when a step fails. */
interface Advice {
    whatToDo: string;
    instance: "untouched" | "uncertain" | "contained" | "releasing";
    evidence: "none" | "in-progress" | "locked" | "unaffected";
    /** The incident's execution ends here, and a person has it go on when the cause is gone. */
    resumes?: true;
}

const advice: Record<ReportedStep, Advice> = {
    StartIncident: {
        whatToDo:
            'Read the reason. If the message names an instance that must be contained, send {"instanceId","accountId","region"} to the findings topic. The message itself is kept in the dead-letter queue.',
        instance: "untouched",
        evidence: "none",
    },
    QuarantineInstance: {
        whatToDo:
            "Nothing now: the instance is isolated at once, without taking its memory. Read the reason, and take the memory by hand from the isolated instance if you need it.",
        instance: "uncertain",
        evidence: "in-progress",
    },
    AcquireMemory: {
        whatToDo:
            "Nothing now: the instance is isolated all the same, and what was written by then is preserved with its volumes. Read the reason before the next incident needs it.",
        instance: "uncertain",
        evidence: "in-progress",
    },
    IsolateInstance: {
        whatToDo:
            "Contain the instance by hand now: attach a security group without rules to every network interface, alone. Do not stop or terminate it.",
        instance: "uncertain",
        evidence: "in-progress",
    },
    RequestApproval: {
        whatToDo:
            "People could not be asked, so silence decides as containment.onApprovalTimeout says. Check the incidents table, the Slack webhook and the notification topic.",
        instance: "uncertain",
        evidence: "in-progress",
    },
    OpenTicket: {
        whatToDo:
            "Open a case with AWS Support, AWS Security Incident Response or your own ticket system by hand if you need one. Nothing else waits for it.",
        instance: "contained",
        evidence: "in-progress",
    },
    NotifyIsolation: {
        whatToDo:
            "Check the Slack webhook (slackWebhookUrl of the stack) and the subscriptions of the notification topic: people were not told of the isolation.",
        instance: "contained",
        evidence: "in-progress",
    },
    CaptureMetadata: {
        whatToDo:
            "Read by hand what will change or expire soon: console output and screenshot, the role's policies, and CloudTrail's event history of the instance (aws cloudtrail lookup-events). Nothing else waits for it.",
        instance: "contained",
        evidence: "in-progress",
    },
    CreateSnapshots: {
        whatToDo:
            "Take a snapshot of every volume by hand, copy it to the forensics account and lock it. Check the volumes' KMS keys and the snapshot quota; then npm run resume goes on from there.",
        instance: "contained",
        evidence: "in-progress",
        resumes: true,
    },
    OpenEndpoints: {
        whatToDo:
            "Read the reason. The clean room's interface endpoints could not be made, so nothing can be analysed yet: mend the quota, the policy or the endpoint that it names; then npm run resume goes on from there. The evidence waits.",
        instance: "contained",
        evidence: "locked",
        resumes: true,
    },
    StartForensicInstance: {
        whatToDo:
            "Check the forensic subnets, the instance type's capacity in this Availability Zone and the forensic image; then npm run resume goes on from there. The evidence waits.",
        instance: "contained",
        evidence: "locked",
        resumes: true,
    },
    AttachEvidenceVolumes: {
        whatToDo:
            "Check the volume quota, the evidence key's grants and the Availability Zone; then npm run resume goes on from there. The evidence waits.",
        instance: "contained",
        evidence: "locked",
        resumes: true,
    },
    CheckSsm: {
        whatToDo:
            "Check the interface endpoints for ssm and ssmmessages, the forensic instance profile and that the image runs the SSM agent; then npm run resume goes on from there.",
        instance: "contained",
        evidence: "locked",
        resumes: true,
    },
    RunAnalysis: {
        whatToDo:
            "Read the command's output in Systems Manager and what lies under analysis/partial in the evidence bucket; then npm run resume goes on from there. The evidence waits.",
        instance: "contained",
        evidence: "locked",
        resumes: true,
    },
    SendFirstLook: {
        whatToDo:
            "Read analysis/<host>/first-look.json of the incident in the evidence bucket yourself: people were not told of it. The analysis goes on and the report follows.",
        instance: "contained",
        evidence: "locked",
    },
    SendReport: {
        whatToDo:
            "Read the analysis' outputs in the evidence bucket: findings.jsonl and summary.json are complete when manifest.sha256 is there. Invoke sendReport again with the same event once the cause is gone.",
        instance: "contained",
        evidence: "locked",
    },
    ReleaseInstance: {
        whatToDo:
            "Read the reason: undo what was changed since containment, or release again with --force to leave that as it is. A release goes on with what is left.",
        instance: "releasing",
        evidence: "unaffected",
    },
    TearDown: {
        whatToDo:
            "Terminate the forensic instance and delete its evidence and work volumes in the forensics account by hand: they cost money. Snapshots stay locked.",
        instance: "contained",
        evidence: "unaffected",
    },
    CloseEndpoints: {
        whatToDo:
            "Read the reason, and delete the clean room's interface endpoints with the tag clean-room:purpose=endpoint by hand, unless another incident is under way: they cost money by the hour. Otherwise the daily sweep tries again.",
        instance: "contained",
        evidence: "unaffected",
    },
    SealCustody: {
        whatToDo:
            "Read the reason. Where the custody log or a seal does not hold, find in CloudTrail who wrote below custody/ before anybody relies on the case. Otherwise seal it again by invoking clean-room-sealCustody, as docs/runbook.md says. The evidence itself stays locked.",
        instance: "contained",
        evidence: "unaffected",
    },
};

const unknownStep: Advice = {
    whatToDo: "Look at the execution of the state machine and the log of the function that failed; then npm run resume goes on from there.",
    instance: "uncertain",
    evidence: "unaffected",
    resumes: true,
};

/** What the evidence bucket shows besides the problem itself. */
export interface KnownFacts {
    /** `restore-record.json` exists: containment began changing things. */
    restoreRecorded: boolean;
    /** `observed-instance.json` exists: the instance was read before anybody had decided that it be contained. */
    observed: boolean;
    /** People are being asked, and have not answered; null where the incidents table could not be read. */
    awaitingApproval: boolean | null;
    /** An error of IsolateInstance exists. */
    containmentFailed: boolean;
    /** `custody.json` exists: it is written when the evidence is locked. */
    custodyRecorded: boolean;
}

export interface Situation {
    whatToDo: string;
    /** State of the victim, a sentence. */
    instance: string;
    /** State of the evidence, a sentence. */
    evidence: string;
    /** Whether the response goes on when somebody asks for it. */
    resumes: boolean;
}

function instanceState(stage: Advice["instance"], known: KnownFacts): string {
    if (stage === "releasing") {
        return known.restoreRecorded
            ? "Contained as before, or released in part: the newest object under releases/ says what was put back; without one, nothing was."
            : "No containment is on record, so there was nothing to release.";
    }
    if (known.containmentFailed || stage === "uncertain") {
        const begun = known.restoreRecorded
            ? "Containment began; what it changed is in restore-record.json."
            : "No change to it is on record.";
        return `NOT known to be contained: treat it as still connected. ${begun}`;
    }
    if (stage === "untouched") return "Not touched.";
    if (!known.restoreRecorded && known.observed) {
        if (known.awaitingApproval)
            return "NOT contained yet: people are asked, and their answer is awaited. Nothing was changed, so treat it as still connected.";
        if (known.awaitingApproval === null)
            return "NOT contained: it was observed, or people's answer is awaited (the incidents table could not be read). Nothing was changed, so treat it as still connected.";
        return "Observed, not contained, as configured or decided: nothing was changed, so treat it as still connected.";
    }
    return known.restoreRecorded
        ? "Isolated before this step; the isolation message says whether every interface was verified. It stays as it is."
        : "This step comes after isolation, but no restore record was found: check its security groups.";
}

function evidenceState(stage: Advice["evidence"], known: KnownFacts): string {
    if (stage === "none") return "None was taken.";
    if (known.custodyRecorded || stage === "locked") return "Snapshots are locked in the forensics account and not affected.";
    if (stage === "in-progress")
        return "Being preserved beside this step, or not yet begun: wait for the report or another error before relying on it.";
    return "Not affected by this step.";
}

/** What to do about a failed step, and how things stand. An unknown step gets advice that is right for any. */
export function situation(step: string, known: KnownFacts): Situation {
    const { whatToDo, instance, evidence, resumes = false } = isReportedStep(step) ? advice[step] : unknownStep;
    return { whatToDo, instance: instanceState(instance, known), evidence: evidenceState(evidence, known), resumes };
}
