"""Installing the tests' servers leaves the machine's own configuration as it was."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from architecture.source_tree import ROOT


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, pointed at a folder of the test's own instead of /usr/sbin and /etc."""
    path = ROOT / "requirements" / "services.py"
    specification = importlib.util.spec_from_file_location("services_script", path)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    specification.loader.exec_module(module)
    module.POLICY = tmp_path / "policy-rc.d"
    module.SAVED_POLICY = tmp_path / "policy-rc.d.before"
    module.CLUSTERS = tmp_path / "postgresql-common" / "createcluster.d"
    return module


def test_no_service_may_start_while_packages_are_configured(services: ModuleType) -> None:
    with services.no_service_starts():
        assert "exit 101" in services.POLICY.read_text()
        assert services.POLICY.stat().st_mode & 0o111 == 0o111

    assert not services.POLICY.exists()


@pytest.mark.parametrize("kind", ["file", "link"])
def test_the_machines_own_policy_comes_back_even_after_a_failure(
    services: ModuleType, tmp_path: Path, kind: str
) -> None:
    own = tmp_path / "own-policy"
    own.write_text("#!/bin/sh\nexit 0\n")
    if kind == "link":
        services.POLICY.symlink_to(own)
    else:
        own.rename(services.POLICY)
        services.POLICY.chmod(0o700)

    with pytest.raises(RuntimeError), services.no_service_starts():
        raise RuntimeError("apt failed")

    assert services.POLICY.read_text() == "#!/bin/sh\nexit 0\n"
    assert services.POLICY.is_symlink() == (kind == "link")
    assert kind == "link" or services.POLICY.stat().st_mode & 0o777 == 0o700
    assert not services.SAVED_POLICY.exists()


def test_a_policy_left_by_a_killed_installation_is_not_kept(services: ModuleType) -> None:
    services.POLICY.write_text(services.NO_STARTS)

    with services.no_service_starts():
        pass

    assert not services.POLICY.exists()


def test_no_database_cluster_is_created_and_no_file_stays(services: ModuleType) -> None:
    with services.no_database_cluster():
        (setting,) = services.CLUSTERS.iterdir()
        assert setting.suffix == ".conf"
        assert setting.read_text() == "create_main_cluster = false\n"

    assert not services.CLUSTERS.exists()
