"""Volumes: attachment, size, encryption and idempotency as EBS has them."""

import threading
from typing import Any

from localemu.utils.patch import patch
from moto.ec2.models.elastic_block_store import EBSBackend, Volume, VolumeAttachment
from moto.ec2.models.instances import Instance, InstanceBackend, StateReason
from moto.ec2.responses import elastic_block_store as responses
from moto.ec2.responses.instances import InstanceResponse

from ..iam.ebs_keys import refusal
from ..kms_keys import default_ebs_key_arn, key_arn
from .errors import error
from .first_state import FirstState

#: Seconds a volume of CreateVolume is in state creating.
CREATING_SECONDS = 0.2
#: Parameters that must be the same when a ClientToken comes again.
CREATION = ("AvailabilityZone", "Encrypted", "Iops", "KmsKeyId", "Size", "SnapshotId", "Throughput", "VolumeType", "TagSpecifications")
_creating = threading.Lock()


def install() -> None:
    """See each function."""
    responses.DESCRIBE_VOLUMES_RESPONSE = responses.DESCRIBE_VOLUMES_RESPONSE.replace(
        "<deleteOnTermination>false</deleteOnTermination>",
        "<deleteOnTermination>{{ 'true' if volume.attachment.delete_on_termination else 'false' }}</deleteOnTermination>",
    )
    VolumeAttachment.delete_on_termination = property(
        lambda attachment: getattr(attachment.instance.block_device_mapping.get(attachment.device), "delete_on_termination", False)
    )
    Volume.status = property(state)
    EBSBackend._create_default_encryption_key = use_default_key
    _correct_create_volume()
    _correct_attachment()
    _correct_launch_devices()


def state(volume: Volume) -> str:
    """creating, then available or in-use."""
    if volume.attachment:
        return "in-use"
    creating = getattr(volume, "creating", None)
    return "creating" if creating and creating.is_seen() else "available"


def use_default_key(backend: Any) -> str:
    """ARN of the key for what names none; moto would make one that LocalEmu's KMS does not know."""
    backend.default_kms_key_id = default_ebs_key_arn(backend.account_id, backend.region_name)
    return backend.default_kms_key_id


def create_once(fn: Any, self: Any) -> str:
    """Creates a volume, or gives what a call with the same ClientToken gave."""
    backend, token = self.ec2_backend, self._get_param("ClientToken")
    # On the account's backend of the Region, since that is where a token counts.
    made: dict[str, tuple[list[Any], str]] = backend.__dict__.setdefault("_volumes_by_token", {})
    asked = [self._get_param(each) for each in CREATION]
    if self._get_param("AvailabilityZone") not in [zone.name for zone in backend.describe_availability_zones()]:
        raise error("InvalidZone.NotFound", f"The zone '{self._get_param('AvailabilityZone')}' does not exist.")
    if token in made:
        first, volume_id = made[token]
        if first != asked:
            raise error("IdempotentParameterMismatch", "The client token was used before with other parameters.")
        return self.response_template(responses.CREATE_VOLUME_RESPONSE).render(volume=backend.get_volume(volume_id))
    answer = fn(self)
    volume_id = answer.split("<volumeId>", 1)[1].split("<", 1)[0]
    backend.volumes[volume_id].creating = FirstState(CREATING_SECONDS)
    if refusal():
        # AWS answers first and takes the volume away when KMS refuses.
        later = threading.Timer(CREATING_SECONDS, backend.volumes.pop, (volume_id, None))
        later.daemon = True
        later.start()
    if token:
        made[token] = (asked, volume_id)
    return answer


def _correct_create_volume() -> None:
    @patch(responses.ElasticBlockStore.create_volume)
    def create_volume_response(fn: Any, self: Any) -> str:
        """The same ClientToken gives the same volume."""
        with _creating:
            return create_once(fn, self)

    @patch(EBSBackend.create_volume)
    def create_volume(
        fn: Any,
        self: Any,
        size: Any,
        zone_name: str,
        snapshot_id: str | None = None,
        encrypted: bool = False,
        kms_key_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """From a completed snapshot that the account may use, at least as large, under the snapshot's key when it is encrypted."""
        if snapshot_id:
            snapshot = self.get_snapshot(snapshot_id)
            if snapshot.status != "completed":
                raise error("IncorrectState", f"Snapshot is in invalid state - {snapshot.status}")
            if size is not None and int(size) < int(snapshot.volume.size):
                raise error(
                    "InvalidParameterValue",
                    f"The volume size is invalid for a volume made of a snapshot: {size} GiB is smaller than snapshot '{snapshot_id}' of {snapshot.volume.size} GiB",
                )
            if snapshot.encrypted:
                encrypted = True
                kms_key_id = kms_key_id or (snapshot.kms_key_id if snapshot.owner_id == self.account_id else None)
        encrypted = encrypted or getattr(self, "ebs_encryption_by_default", False)  # set after the catalogue of images, which has volumes
        if kms_key_id:
            kms_key_id = key_arn(kms_key_id, self.account_id, self.region_name) or kms_key_id
        return fn(self, size, zone_name, snapshot_id=snapshot_id, encrypted=encrypted, kms_key_id=kms_key_id, **kwargs)


def _correct_attachment() -> None:
    @patch(EBSBackend.attach_volume)
    def attach_volume(fn: Any, self: Any, volume_id: str, instance_id: str, device_path: str, *args: Any, **kwargs: Any) -> Any:
        volume, instance = self.get_volume(volume_id), self.get_instance(instance_id)
        if instance.state not in ("running", "stopped"):
            raise error("IncorrectState", f"Instance '{instance_id}' is not 'running'.")
        if volume.attachment:
            raise error("VolumeInUse", f"{volume_id} is already attached to an instance")
        if volume.status != "available":
            raise error("IncorrectState", f"Volume '{volume_id}' is in the '{volume.status}' state, and not 'available'.")
        if volume.zone.name != instance._placement.zone:
            raise error(
                "InvalidVolume.ZoneMismatch", f"The volume '{volume_id}' is not in the same availability zone as instance '{instance_id}'"
            )
        if place_of(device_path) in map(place_of, instance.block_device_mapping):
            raise error(
                "InvalidParameterValue", f"Invalid value '{device_path}' for unixDevice. Attachment point {device_path} is already in use"
            )
        return fn(self, volume_id, instance_id, device_path, *args, **kwargs)

    @patch(EBSBackend.detach_volume)
    def detach_volume(fn: Any, self: Any, volume_id: str, instance_id: str | None, device_path: str | None) -> Any:
        """The instance need not be named; one that is named must be the right one."""
        attachment = self.get_volume(volume_id).attachment
        if attachment is None:
            raise error("IncorrectState", f"Volume '{volume_id}' is in the 'available' state.")
        if instance_id and attachment.instance.id != instance_id:
            raise error("InvalidAttachment.NotFound", f"The volume '{volume_id}' is not attached to instance '{instance_id}'.")
        return fn(self, volume_id, attachment.instance.id, device_path or attachment.device)


def place_of(device: str) -> str:
    """/dev/sdf and /dev/xvdf are one place to EC2."""
    return device.removeprefix("/dev/").removeprefix("xvd").removeprefix("sd")


def _correct_launch_devices() -> None:
    @patch(InstanceResponse._parse_block_device_mapping)
    def parse_block_device_mapping(fn: Any, self: InstanceResponse) -> list[dict[str, Any]]:
        """moto takes the size for the wish to encrypt."""
        asked = {each.get("DeviceName"): each.get("Ebs", {}) for each in self._get_param("BlockDeviceMappings", [])}
        mappings = fn(self)
        for mapping in mappings:
            ebs = asked.get(mapping["DeviceName"], {})
            mapping["Ebs"]["Encrypted"] = str(ebs.get("Encrypted", False)).lower() == "true"
            mapping["Ebs"]["DeleteOnTermination"] = ebs.get("DeleteOnTermination")
        return mappings

    @patch(InstanceBackend.run_instances)
    def run_instances(fn: Any, self: Any, image_id: str, *args: Any, **kwargs: Any) -> Any:
        """Devices that a request or its launch template lists come on top of the image's root device, or in its place."""
        template = kwargs.get("launch_template")
        devices = kwargs.get("block_device_mappings") or (
            self._get_template_from_args(template).data.get("BlockDeviceMappings") if template else None
        )
        if devices:
            image = next(iter(self.describe_images(filters={"image-id": image_id})), None) if image_id else None
            root = image.root_device_name if image else None
            own_root = any(each["DeviceName"] == root for each in devices)
            kwargs["block_device_mappings"] = [
                *([] if own_root or root is None else [{"DeviceName": root, "Ebs": {"VolumeType": "gp3", "DeleteOnTermination": True}}]),
                *devices,
            ]
        reservation = fn(self, image_id, *args, **kwargs)
        if refusal():
            _end_launch(self, [each.id for each in reservation.instances])
        return reservation

    @patch(Instance.add_block_device)
    def add_block_device(
        fn: Any,
        self: Instance,
        size: Any,
        device_path: str,
        snapshot_id: str | None,
        encrypted: bool,
        delete_on_termination: bool | None,
        kms_key_id: str | None,
        volume_type: str | None,
    ) -> None:
        """The root volume ends with its instance unless the launch says otherwise; a launch may leave its size to the image."""
        root = device_path == self.root_device_name
        ends = root if delete_on_termination is None else str(delete_on_termination).lower() == "true"
        fn(self, size or (8 if root and not snapshot_id else None), device_path, snapshot_id, encrypted, ends, kms_key_id, volume_type)

    @patch(Instance.setup_defaults)
    def setup_defaults(_fn: Any, self: Instance) -> None:
        """The root device has the name the image gives it."""
        volume = self.ec2_backend.create_volume(size=8, zone_name=self._placement.zone, volume_type="gp3")
        self.ec2_backend.attach_volume(volume.id, self.id, self.root_device_name, True)


def _end_launch(backend: Any, instance_ids: list[str]) -> None:
    """An instance whose volume cannot be encrypted is pending for a moment and then terminated."""

    def end() -> None:
        backend.terminate_instances(instance_ids)
        for each in instance_ids:
            backend.get_instance(each).state_reason = StateReason("Client.InternalError: Client error on launch", "Client.InternalError")

    later = threading.Timer(CREATING_SECONDS, end)
    later.daemon = True
    later.start()
