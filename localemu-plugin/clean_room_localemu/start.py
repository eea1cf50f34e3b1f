"""The hook LocalEmu runs before it takes requests."""

from localemu.runtime import hooks


@hooks.on_infra_start(priority=1)
def start() -> None:
    """Installs every correction. One that fails ends LocalEmu: a rehearsal on a half-corrected AWS would prove nothing."""
    import logging
    import os

    try:
        install_all()
    except BaseException:
        logging.getLogger(__name__).critical("The clean-room plug-in could not be installed into this LocalEmu", exc_info=True)
        logging.shutdown()
        os._exit(3)


def install_all() -> None:
    """The call log comes last, so that its file says that everything is in place."""
    from . import older_python

    older_python.install()
    from . import (
        alarm_delivery,
        auto_scaling,
        call_log,
        circumstances,
        ec2,
        event_buses,
        event_delivery,
        event_history,
        faults,
        guard_duty,
        iam,
        isolation,
        lambdas,
        load_balancing,
        object_events,
        service_quotas,
        ssm,
        state_machines,
        subscriptions,
    )

    for module in (
        isolation,
        iam,
        lambdas,
        event_delivery,
        event_buses,
        event_history,
        alarm_delivery,
        object_events,
        state_machines,
        ec2,
        load_balancing,
        auto_scaling,
        service_quotas,
        guard_duty,
        subscriptions,
        ssm,
        circumstances,
        faults,
        call_log,
    ):
        module.install()
