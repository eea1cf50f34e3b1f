import * as sdk from "@pulumi/policy";

// @pulumi/policy exports these two since 1.21, but its declaration file leaves their types out.
const { unknownCheckingProxy, UnknownValueError } = sdk as unknown as {
    unknownCheckingProxy: <T extends object>(props: T) => T;
    UnknownValueError: { new (sentinel: string, path: string[]): Error };
};

/** Wraps properties the way a policy receives them: reading a value that is not known at preview throws. */
export const throwOnUnknown = unknownCheckingProxy;

/** Whether an error is that refusal. The SDK shows one that leaves a policy as an advisory note, not as a violation. */
export function isUnknownValueError(error: unknown): error is Error {
    return error instanceof UnknownValueError;
}

/**
 * Hands the check to the update where any part of a value out of a policy's own `props` is not known yet: reading it throws the SDK's refusal,
 * which the engine shows as an advisory note. To be called last, when everything that is known has been judged.
 */
export function deferWhereUnknown(value: unknown): void {
    JSON.stringify(value);
}
