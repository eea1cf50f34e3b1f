/** A service of the tests' AWS has a method for each operation that it knows: `onDescribeInstances` answers DescribeInstances. */
type Operation = (input: Record<string, unknown>) => unknown;

/**
 * Asks the first of the services that knows the operation.
 *
 * @throws when none does, so that a test never passes for want of one; and what the service throws
 */
export function perform(services: readonly object[], name: string, input: Record<string, unknown>): unknown {
    for (const service of services) {
        const operation = (service as Record<string, Operation | undefined>)[`on${name}`];
        if (operation) return operation.call(service, input);
    }
    throw new Error(`${name} is not in the AWS of the tests (tests/support/aws/README.md)`);
}
