"""`is_staff` let people sign in to the console; now it lets them view everything."""

from __future__ import annotations

from django.conf import settings
from django.db import migrations


def leave_staff_to_superusers(apps, schema_editor):
    """Take the flag from people who had it only to sign in; admins are named anew."""
    app_label, name = settings.AUTH_USER_MODEL.split(".")
    people = apps.get_model(app_label, name)
    people.objects.using(schema_editor.connection.alias).filter(
        is_staff=True, is_superuser=False
    ).update(is_staff=False)


class Migration(migrations.Migration):
    dependencies = [
        ("threadhub", "0003_operations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(leave_staff_to_superusers, migrations.RunPython.noop),
    ]
