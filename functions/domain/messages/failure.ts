/** The message of a step that failed. Pure. */
import { evidenceAnomalies, followedInPart, type Problem } from "../containers";
import { situation, type KnownFacts } from "../stepAdvice";
import { stepTitle } from "../stepWords";
import { isReportedStep } from "../steps";
import { instanceLink, objectLink } from "./consoleLinks";
import { where } from "./incidentFacts";
import type { Message } from "./message";
import { runbookHeadings, stepHeading } from "./runbook";

/** Where the error record stands. */
export interface ErrorRecord {
    partition: string;
    region: string;
    bucket: string;
    key: string;
}

/** Of a message that was followed in part the others tell: each incident has messages of its own. */
const whatIsFollowed = "The incidents named above are under way. What was not followed is not touched, and no evidence of it was taken.";

/** Tells of a failed step: what happened, to what, what to do, and how the instance and the evidence stand. */
export function failureMessage(problem: Problem, known: KnownFacts, record: ErrorRecord): Message {
    const { whatToDo, instance, evidence, resumes } = situation(problem.step, known);
    const nowhere = problem.incidentId === null ? "a message that could not be tied to an instance" : `incident ${problem.incidentId}`;
    const subject = problem.instance ? where(problem.instance) : nowhere;
    const refused = problem.step === "StartIncident";
    // No step failed: somebody touched what the analysis left, which no resumed execution cures.
    const touched = evidenceAnomalies.some((each) => each === problem.error);
    const resumable = resumes && !touched && problem.incidentId !== null;
    const inPart = refused && problem.error === followedInPart;
    const { started, runbook } = inPart
        ? { started: "A message was followed in part", runbook: runbookHeadings.followedInPart }
        : { started: "A message started no incident", runbook: runbookHeadings.refused };
    return {
        tone: known.containmentFailed || problem.step === "IsolateInstance" ? "danger" : "warning",
        title: refused
            ? `${started}: ${subject}`
            : touched
              ? `Results of the analysis are not as they must be: ${subject}`
              : `A step of the response failed: ${subject}`,
        summary: `${stepTitle(problem.step)}: ${problem.cause}`,
        whatWeDid: inPart ? whatIsFollowed : `The instance: ${instance} The evidence: ${evidence}`,
        whatNow: [
            ...(problem.advice === undefined ? [] : [problem.advice]),
            ...(touched ? [] : [whatToDo]),
            ...(resumable ? [`To go on, when the cause is gone: npm run resume -- ${problem.incidentId} --region ${record.region}`] : []),
        ],
        runbook: refused ? runbook : isReportedStep(problem.step) ? stepHeading(problem.step) : runbookHeadings.stepFailed,
        facts: [
            { label: "Step", value: stepTitle(problem.step) },
            { label: "Error", value: problem.error },
            ...(problem.instance
                ? [
                      { label: "Instance", value: problem.instance.instanceId },
                      { label: "Account", value: problem.instance.accountId },
                      { label: "Region", value: problem.instance.region },
                  ]
                : []),
            ...(problem.incidentId === null ? [] : [{ label: "Incident", value: problem.incidentId }]),
            { label: "At", value: problem.at },
            { label: "Record", value: `s3://${record.bucket}/${record.key}` },
        ],
        sections: [],
        ...(resumable ? { offers: ["resume"] as const } : {}),
        whole: `in s3://${record.bucket}/${record.key}`,
        links: [
            ...(problem.instance
                ? [
                      instanceLink(
                          { partition: record.partition, region: problem.instance.region },
                          problem.instance.accountId,
                          problem.instance.instanceId,
                      ),
                  ]
                : []),
            objectLink(record, "Error record", record.bucket, record.key),
        ],
    };
}
