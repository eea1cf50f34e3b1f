/** STS: who the function is. */
export class InMemorySts {
    onGetCallerIdentity(): { Arn: string } {
        return { Arn: "arn:aws:sts::111111111111:assumed-role/start/start" };
    }
}
