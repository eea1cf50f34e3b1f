/** Where to start the forensic instance, and under which client token. */
import { createHash } from "node:crypto";

export interface LaunchAttempt {
    subnetId: string;
    /** 64 characters at most. */
    clientToken: string;
}

/**
 * One attempt a subnet, in order: the first Availability Zone with capacity gets the instance.
 *
 * The token holds everything the request depends on, since EC2 refuses a token that comes with other parameters.
 *
 * @param generation 0, and one more for each former instance of the incident that was terminated: EC2 remembers the token of
 * a terminated instance for a day and would give that instance back
 */
export function planLaunch(
    request: { incidentId: string; imageId: string; instanceType: string; subnetIds: readonly string[] },
    generation: number,
): LaunchAttempt[] {
    return request.subnetIds.map((subnetId) => ({
        subnetId,
        clientToken: createHash("sha256")
            .update([request.incidentId, request.imageId, request.instanceType, subnetId, generation].join("/"))
            .digest("hex"),
    }));
}

/** Errors of RunInstances that another subnet may not have. */
export function isAboutTheSubnet(code: string): boolean {
    return /^(InsufficientInstanceCapacity|InsufficientHostCapacity|InsufficientReservedInstanceCapacity|InsufficientFreeAddressesInSubnet|Unsupported)$/.test(
        code,
    );
}
