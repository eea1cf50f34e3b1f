/** Where, as what and under which client token to start the forensic instance. Pure. */
import { createHash } from "node:crypto";
import { families } from "./instanceTypes";

export interface LaunchAttempt {
    instanceType: string;
    subnetId: string;
    /** 64 characters at most. */
    clientToken: string;
}

/** The configured type first, then its stand-ins. @param type such as m6i.large; one of an unknown family stands alone */
export function typesToTry(type: string): string[] {
    const [family = "", size = ""] = type.split(".");
    const known = Object.values(families).find((each) => each.includes(family));
    return known ? [type, ...known.filter((each) => each !== family).map((each) => `${each}.${size}`)] : [type];
}

/**
 * Attempts, in order: each type in each subnet, so that the first Availability Zone with capacity for a type gets the instance.
 *
 * The token holds everything the request depends on, since EC2 refuses a token that comes with other parameters.
 *
 * @param generation 0, and one more for each former instance of the incident that was terminated: EC2 remembers the token of
 * a terminated instance for a day and would give that instance back
 */
export function planLaunch(
    request: { incidentId: string; imageId: string; instanceTypes: readonly string[]; subnetIds: readonly string[]; round?: number },
    generation: number,
): LaunchAttempt[] {
    const ofRound = (request.round ?? 1) > 1 ? [`round ${request.round}`] : [];
    return request.instanceTypes.flatMap((instanceType) =>
        request.subnetIds.map((subnetId) => ({
            instanceType,
            subnetId,
            clientToken: createHash("sha256")
                .update([request.incidentId, request.imageId, instanceType, subnetId, generation, ...ofRound].join("/"))
                .digest("hex"),
        })),
    );
}

/** What EC2 says of a place and type rather than of the request: another one may serve, and so may the same one later. AWS spells it in many ways. */
export function isAboutTheSubnet(code: string): boolean {
    return /^(Insufficient[A-Za-z]*Capacity|InsufficientFreeAddressesInSubnet|Unsupported|UnsupportedOperation|InvalidParameterCombination\.Zone|InstanceTypeNotSupported)$/.test(
        code,
    );
}

/** The account's quota: a smaller size may fit into it, and a person can raise it. */
export function isQuota(code: string): boolean {
    return /^(InstanceLimitExceeded|VcpuLimitExceeded|MaxSpotInstanceCountExceeded|VolumeLimitExceeded|MaxIOPSLimitExceeded|ResourceLimitExceeded|ResourceCountLimitExceeded)$/.test(
        code,
    );
}

/**
 * Quotas that all types of planLaunch's list share: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances" counts processors.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html#ec2-on-demand-instances-limits
 */
export function isSharedQuota(code: string): boolean {
    return code === "VcpuLimitExceeded";
}
