/**
 * The clean room's interface endpoints: which there are, what may be said through each, when they are made and when they go. Pure. The same
 * policies are given to standing endpoints (infra/network.ts), to those made for an incident (functions/openEndpoints.ts), and are judged by
 * the policy pack in both cases.
 */
import { createHash } from "node:crypto";
import { purposeTag, roleTag, tagValue, type Tag } from "./tags";

/**
 * Services the forensic instance speaks to, with what may be said through each endpoint. S3 calls KMS itself, so the instance needs none for that; its
 * agent has used ssmmessages in place of ec2messages since 3.3.40.0, which the newest Regions have no endpoint for.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-messageAPIs.html
 */
const actionsThrough = {
    ssm: [
        "ssm:UpdateInstanceInformation",
        "ssm:ListAssociations",
        "ssm:ListInstanceAssociations",
        "ssm:GetDocument",
        "ssm:DescribeDocument",
        "ssm:PutInventory",
        "ssm:PutComplianceItems",
        "ssm:UpdateInstanceAssociationStatus",
        "ssm:GetDeployablePatchSnapshotForInstance",
        "ssm:GetManifest",
    ],
    ssmmessages: [
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    ],
    logs: ["logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents"],
} as const;
export type EndpointService = keyof typeof actionsThrough;
/** Services that get an interface endpoint. */
export const endpointServices = Object.keys(actionsThrough) as EndpointService[];

/** Name of a service's endpoint, as EC2 has it. */
export const endpointServiceName = (region: string, service: EndpointService) => `com.amazonaws.${region}.${service}`;

/** Policy of a service's endpoint: the forensics account's principals, on its own resources, what is needed. @returns JSON */
export function endpointPolicy(service: EndpointService, accountId: string): string {
    return JSON.stringify({
        Version: "2012-10-17",
        Statement: [
            {
                Sid: "ForensicInstancesOnly",
                Effect: "Allow",
                Principal: "*",
                Action: actionsThrough[service],
                Resource: "*",
                Condition: { StringEquals: { "aws:PrincipalAccount": accountId, "aws:ResourceAccount": accountId } },
            },
        ],
    });
}

/** Which endpoints the clean room shall have, as it was deployed. */
export interface WantedEndpoints {
    vpcId: string;
    subnetIds: string[];
    groupId: string;
    /** Policy of each service's endpoint, by {@link endpointServiceName}. */
    policies: Record<string, string>;
}

/** Tag that holds a hash of what an endpoint was made with: one of a former deployment is made anew. */
export const specTag = "clean-room:spec";
/** Of what an endpoint is made with. */
export const specOf = (wanted: WantedEndpoints, serviceName: string): string =>
    createHash("sha256")
        .update(JSON.stringify([serviceName, wanted.policies[serviceName], [...wanted.subnetIds].sort(), wanted.groupId]))
        .digest("hex")
        .slice(0, 16);

/** Tags of an endpoint that is made for incidents; the tag {@link roleTag} alone is on standing ones too. */
export function endpointTags(wanted: WantedEndpoints, serviceName: string): Tag[] {
    return [
        { Key: "Name", Value: `clean-room ${serviceName.split(".").at(-1)}` },
        { Key: roleTag, Value: "clean-room" },
        { Key: purposeTag, Value: "endpoint" },
        { Key: specTag, Value: specOf(wanted, serviceName) },
    ];
}

/** An interface endpoint in the clean room's VPC, as EC2 shows it. */
export interface StandingEndpoint {
    endpointId: string;
    serviceName: string;
    /** In small letters, such as pending, available or deleting. */
    state: string;
    privateDns: boolean;
    tags: Tag[];
}

/** Whether it was made for incidents, and so goes when nothing needs it. */
export const isOnDemand = ({ tags }: StandingEndpoint): boolean =>
    tagValue(tags, roleTag) === "clean-room" && tagValue(tags, purposeTag) === "endpoint";

/** What is to be done until every endpoint is there. */
export interface OpenPlan {
    /** Names of services that have none. */
    create: string[];
    /** Ours that cannot be used: broken, or of a former deployment. What takes their place is made when they are gone. */
    remove: string[];
    /** What is under way, in words. */
    waitingFor: string[];
    /** Endpoints that are not ours and hold a service's name. */
    foreign: string[];
    /** Those that can be used now. */
    ready: string[];
}

/** Ready when all are available with private DNS, and nothing else is to be done. */
export function planOpen(wanted: WantedEndpoints, standing: readonly StandingEndpoint[]): OpenPlan {
    const plan: OpenPlan = { create: [], remove: [], waitingFor: [], foreign: [], ready: [] };
    for (const serviceName of Object.keys(wanted.policies)) {
        const here = standing.filter((each) => each.serviceName === serviceName && each.state !== "deleted");
        const going = here.filter(({ state }) => state === "deleting");
        const live = here.filter(({ state }) => state !== "deleting");
        const foreign = live.filter((each) => !isOnDemand(each));
        const ours = live.filter(isOnDemand);
        const usable = ours.filter(
            (each) =>
                /^(pending|available)$/.test(each.state) && each.privateDns && tagValue(each.tags, specTag) === specOf(wanted, serviceName),
        );
        plan.foreign.push(...foreign.map(({ endpointId }) => `${endpointId} for ${serviceName}`));
        plan.remove.push(...ours.filter((each) => !usable.includes(each)).map(({ endpointId }) => endpointId));
        plan.waitingFor.push(...going.map(({ endpointId }) => `${endpointId} of ${serviceName} is being removed`));
        const [first] = usable;
        if (first?.state === "available") plan.ready.push(first.endpointId);
        else if (first) plan.waitingFor.push(`${first.endpointId} of ${serviceName} is ${first.state}`);
        else if (here.length === 0) plan.create.push(serviceName);
    }
    return plan;
}

/** What needs the clean room's endpoints. */
export interface EndpointClaims {
    /** Incident id -> ISO 8601: since when. */
    claims: Record<string, string>;
    /** ISO 8601; until then one function may be removing the endpoints, and nobody may count on them. */
    closingUntil: string | null;
    /** Times the endpoints were taken for removing: what is made after one removal is another thing than what was made before it. */
    removals: number;
}
export const noClaims: EndpointClaims = { claims: {}, closingUntil: null, removals: 0 };

/** Milliseconds that removing may take: longer than the function that does it may live (infra/steps.ts), so that after a crash nobody waits for ever. */
export const closingLease = 3 * 60_000;

export const isClosing = ({ closingUntil }: EndpointClaims, now: Date): boolean =>
    closingUntil !== null && Date.parse(closingUntil) > now.getTime();

/** With the incident's claim. It counts only when nobody is removing the endpoints ({@link isClosing}). */
export const withClaim = (state: EndpointClaims, incidentId: string, now: Date): EndpointClaims => ({
    ...state,
    claims: { [incidentId]: now.toISOString(), ...state.claims },
});

/**
 * Takes back some incidents' claims, and the right to remove the endpoints where none is left.
 *
 * @param hosts how many instances of the clean room have not ended: with one left, nothing is removed whatever the claims say
 * @returns whether the caller is who removes, until {@link closingLease} is over; nobody counts on the endpoints meanwhile
 */
export function takeBack(
    state: EndpointClaims,
    incidentIds: readonly string[],
    hosts: number,
    now: Date,
): { state: EndpointClaims; removes: boolean } {
    const claims = Object.fromEntries(Object.entries(state.claims).filter(([incidentId]) => !incidentIds.includes(incidentId)));
    const removes = Object.keys(claims).length === 0 && hosts === 0 && !isClosing(state, now);
    return {
        state: removes
            ? { claims, closingUntil: new Date(now.getTime() + closingLease).toISOString(), removals: state.removals + 1 }
            : { ...state, claims },
        removes,
    };
}

/** Milliseconds for which a claim is kept whatever else is seen: its execution may have begun a moment after the executions were listed. */
const youngClaim = 15 * 60_000;

/**
 * Claims that nothing stands behind any more, as after an execution that somebody stopped.
 *
 * @param executions names of the executions under way: an incident's own, or its own with `-resumed-<n>`
 * @param hosts incident ids of forensic instances that have not ended
 */
export function staleClaims({ claims }: EndpointClaims, executions: readonly string[], hosts: readonly string[], now: Date): string[] {
    return Object.entries(claims)
        .filter(
            ([incidentId, since]) =>
                now.getTime() - Date.parse(since) > youngClaim &&
                !hosts.includes(incidentId) &&
                !executions.some((name) => name === incidentId || name.startsWith(`${incidentId}-resumed-`)),
        )
        .map(([incidentId]) => incidentId);
}

/** Which endpoints go, and which are going, once nothing claims them. */
export function planClose(standing: readonly StandingEndpoint[]): { remove: string[]; waitingFor: string[] } {
    const ours = standing.filter((each) => isOnDemand(each) && each.state !== "deleted");
    return {
        remove: ours.filter(({ state }) => state !== "deleting").map(({ endpointId }) => endpointId),
        waitingFor: ours.filter(({ state }) => state === "deleting").map(({ endpointId }) => endpointId),
    };
}
