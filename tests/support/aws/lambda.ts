/** Lambda in memory: functions take every event that is sent to them without waiting. */
export class InMemoryLambda {
    onInvoke({ InvocationType }: { InvocationType: string }): { StatusCode: number } {
        if (InvocationType !== "Event") throw new Error("Lambda of the tests runs no function: only InvocationType Event is answered");
        return { StatusCode: 202 };
    }
}
