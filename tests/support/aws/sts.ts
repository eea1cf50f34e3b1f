/** STS: who the caller is. */
export class InMemorySts {
    account = "111111111111";

    onGetCallerIdentity(): { Arn: string; Account: string } {
        return { Arn: `arn:aws:sts::${this.account}:assumed-role/start/start`, Account: this.account };
    }
}
