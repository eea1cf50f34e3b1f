/** An error as the SDK throws it. @param name AWS's error code */
export function awsError(name: string, message = `${name} of the test`): Error {
    return Object.assign(new Error(message), { name });
}
