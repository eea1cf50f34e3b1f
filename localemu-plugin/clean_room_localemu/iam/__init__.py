"""IAM enforcement as AWS evaluates it."""


def install() -> None:
    """Decides requests and role assumptions."""
    from . import authorization, simulation, trust

    authorization.install()
    trust.install()
    simulation.install()
