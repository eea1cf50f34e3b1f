/** Where, as what and under which client token to start the forensic instance. Pure. */
import { createHash } from "node:crypto";

export interface LaunchAttempt {
    instanceType: string;
    subnetId: string;
    /** 64 characters at most. */
    clientToken: string;
}

/**
 * Types that serve in place of another, in the order they are tried: same processor and size, of other families and generations.
 * A type that AWS does not know or offer here is passed over like one without capacity.
 */
const families: Record<"x86_64" | "arm64", readonly string[]> = {
    x86_64: ["m6i", "m7i", "m6a", "m5", "c6i", "r6i", "m5a"],
    arm64: ["m7g", "m6g", "m8g", "c7g", "r7g"],
};

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
    request: { incidentId: string; imageId: string; instanceTypes: readonly string[]; subnetIds: readonly string[] },
    generation: number,
): LaunchAttempt[] {
    return request.instanceTypes.flatMap((instanceType) =>
        request.subnetIds.map((subnetId) => ({
            instanceType,
            subnetId,
            clientToken: createHash("sha256")
                .update([request.incidentId, request.imageId, instanceType, subnetId, generation].join("/"))
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

/** The account's quota: another family may have one of its own, and a person can raise it. */
export function isQuota(code: string): boolean {
    return /^(InstanceLimitExceeded|VcpuLimitExceeded|MaxSpotInstanceCountExceeded|VolumeLimitExceeded|MaxIOPSLimitExceeded|ResourceLimitExceeded|ResourceCountLimitExceeded)$/.test(
        code,
    );
}
