"""A task for Windows' Task Scheduler, as XML in UTF-16 (Task Scheduler Schema 1.2)."""

import subprocess
from pathlib import Path, PurePath, PureWindowsPath
from xml.sax.saxutils import escape

from archiver.service.job import File, Job, Service, seal_text, sealed


def daemon(job: Job) -> Service:
    """Return the task that runs the daemon from log-on, or from the start of the machine."""
    path = Path(job.state, f"{job.name}.xml")
    name = f"\\Archiver\\{job.name}"
    quoted = subprocess.list2cmdline([name])
    return Service(
        files=(File(path=path, data=sealed(_xml(job).encode("utf-16"), "utf-16")),),
        enable=(
            f"schtasks /Create /TN {quoted} /XML {subprocess.list2cmdline([str(path)])}",
            f"schtasks /Run /TN {quoted}",
        ),
        disable=(f"schtasks /End /TN {quoted}", f"schtasks /Delete /TN {quoted} /F"),
    )


def _xml(job: Job) -> str:
    user = escape(job.user)
    if job.system:
        trigger = "<BootTrigger><Enabled>true</Enabled></BootTrigger>"
    else:
        trigger = f"<LogonTrigger><Enabled>true</Enabled><UserId>{user}</UserId></LogonTrigger>"
    # S4U: without a password, and without a person who is logged in.
    logon = "S4U" if job.system else "InteractiveToken"
    words = job.command("daemon")
    arguments = escape(subprocess.list2cmdline(words[1:]))
    return f"""\
<?xml version="1.0" encoding="UTF-16"?>
<!-- {seal_text()} -->
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>{escape(f"Mail archive {job.archive}")}</Description>
  </RegistrationInfo>
  <Triggers>
    {trigger}
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{user}</UserId>
      <LogonType>{logon}</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <Enabled>true</Enabled>
    <Hidden>false</Hidden>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{escape(str(_windowless(job.python)))}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{escape(str(job.home))}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""


def _windowless(python: PurePath) -> PurePath:
    """Return the interpreter that opens no window, which stands beside the other on Windows."""
    if isinstance(python, PureWindowsPath) and python.name.lower() == "python.exe":
        return python.with_name("pythonw.exe")
    return python
