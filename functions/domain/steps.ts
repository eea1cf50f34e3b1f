/** The steps whose failure people are told of. Advice (stepAdvice.ts) and a page of docs/runbook.md are asked for each. */
export const reportedSteps = [
    "StartIncident",
    "QuarantineInstance",
    "AcquireMemory",
    "IsolateInstance",
    "RequestApproval",
    "OpenTicket",
    "NotifyIsolation",
    "CaptureMetadata",
    "CreateSnapshots",
    "OpenEndpoints",
    "StartForensicInstance",
    "AttachEvidenceVolumes",
    "CheckSsm",
    "RunAnalysis",
    "TearDown",
    "CloseEndpoints",
    "SealCustody",
    "SendFirstLook",
    "SendReport",
    "ReleaseInstance",
] as const;
/** Name of a step as error records and messages have it: of its state in the state machine, or of its function. */
export type ReportedStep = (typeof reportedSteps)[number];

export const isReportedStep = (name: string): name is ReportedStep => (reportedSteps as readonly string[]).includes(name);
