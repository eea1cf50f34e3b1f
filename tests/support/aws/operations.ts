/** A service of the tests' AWS has a method for each operation: `onDescribeInstances` answers DescribeInstances. Stores say which they know, and take them by `send`. */
type Operation = (input: Record<string, unknown>) => unknown;
interface Store {
    knows(name: string): boolean;
    send: (name: string, input: Record<string, unknown>) => unknown;
}

/**
 * Asks the first of the services that knows the operation.
 *
 * @throws when none does, so that a test never passes for want of it; and what the service throws
 */
export function perform(services: readonly object[], name: string, input: Record<string, unknown>): unknown {
    for (const service of services) {
        if ("knows" in service && (service as Store).knows(name)) return (service as Store).send(name, input);
        const operation = (service as Record<string, Operation | undefined>)[`on${name}`];
        if (operation) return operation.call(service, input);
    }
    throw new Error(`${name} is not in the AWS of the tests (tests/support/aws/README.md)`);
}
