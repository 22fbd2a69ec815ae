"""The tables of the checkpoint store, laid out for what they hold."""

from __future__ import annotations

from typing import Any

import checkpoints_app.models.fields
import checkpoints_app.models.head
import checkpoints_app.models.labels
import django.db.models.deletion
import threadhub.kernel.models
from django.conf import settings
from django.db import migrations, models


# Rows found by key only and small enough: the key need not be stored twice.
_KEYED = ("checkpoints_checkpoint", "checkpoints_log_item", "checkpoints_write")
_COMPRESSED = (("checkpoints_blob", "data"), ("checkpoints_checkpoint", "body"))


def _without_rowid(schema_editor: Any, table: str) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = %s AND sql IS NOT NULL"
            " ORDER BY type DESC",
            [table],
        )
        created, *indexes = [sql for (sql,) in cursor.fetchall()]
    schema_editor.execute(f"DROP TABLE {table}")
    schema_editor.execute(f"{created} WITHOUT ROWID")
    for index in indexes:
        schema_editor.execute(index)


def lay_out(apps: Any, schema_editor: Any) -> None:
    """Choose the storage of each table; they are empty here."""
    if schema_editor.connection.vendor == "sqlite":
        for table in _KEYED:
            _without_rowid(schema_editor, table)
    elif schema_editor.connection.vendor == "postgresql":
        # The values are compressed already.
        for table, column in _COMPRESSED:
            schema_editor.execute(
                f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL"
            )


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CheckpointHead',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255, unique=True)),
                ('checkpoint_id', models.TextField(null=True)),
                ('step', models.IntegerField(null=True)),
                ('seq', models.BigIntegerField(default=0)),
                ('fence', models.BigIntegerField(default=0)),
                ('held', models.BooleanField(default=False)),
                ('gc_epoch', models.BigIntegerField(default=checkpoints_app.models.head.new_epoch)),
                ('tier', models.CharField(choices=[('hot', 'Hot'), ('warm', 'Warm'), ('cold', 'Cold')], default='hot', max_length=8)),
                ('bytes', models.BigIntegerField(default=0)),
                ('tombstone', models.DateTimeField(null=True)),
                ('key_id', models.CharField(max_length=64, null=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'db_table': 'checkpoints_head',
            },
        ),
        migrations.CreateModel(
            name='LogItem',
            fields=[
                ('pk', models.CompositePrimaryKey('head_id', 'log', 'pos', blank=True, editable=False, primary_key=True, serialize=False)),
                ('head', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='log_items', to='checkpoints_app.checkpointhead')),
                ('log', models.BigIntegerField()),
                ('pos', models.IntegerField()),
                ('count', models.IntegerField()),
                ('hash', models.BinaryField()),
                ('hashes', models.BinaryField()),
            ],
            options={
                'db_table': 'checkpoints_log_item',
            },
        ),
        migrations.CreateModel(
            name='Scope',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ns', models.TextField()),
                ('head', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='scopes', to='checkpoints_app.checkpointhead')),
            ],
            options={
                'db_table': 'checkpoints_scope',
            },
        ),
        migrations.CreateModel(
            name='Checkpoint',
            fields=[
                ('pk', models.CompositePrimaryKey('scope_id', 'checkpoint_id', blank=True, editable=False, primary_key=True, serialize=False)),
                # First, as in the key: SQLite's integrity_check misreads other orders.
                ('scope', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='checkpoints', to='checkpoints_app.scope')),
                ('checkpoint_id', checkpoints_app.models.fields.IdField()),
                ('parent_id', checkpoints_app.models.fields.IdField(null=True)),
                ('seq', models.BigIntegerField()),
                ('step', models.IntegerField(null=True)),
                ('source', models.TextField(null=True)),
                ('run_id', checkpoints_app.models.fields.IdField(null=True)),
                ('meta', models.BinaryField(null=True)),
                ('body', models.BinaryField()),
                ('refs', checkpoints_app.models.fields.HashArray()),
                ('logs', checkpoints_app.models.fields.BigIntArray()),
                ('lens', checkpoints_app.models.fields.IntArray()),
                ('size', models.IntegerField(default=0)),
            ],
            options={
                'db_table': 'checkpoints_checkpoint',
            },
        ),
        migrations.CreateModel(
            name='Write',
            fields=[
                ('pk', models.CompositePrimaryKey('scope_id', 'checkpoint_id', 'task_id', 'idx', blank=True, editable=False, primary_key=True, serialize=False)),
                # First, as in the key: SQLite's integrity_check misreads other orders.
                ('scope', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='writes', to='checkpoints_app.scope')),
                ('checkpoint_id', checkpoints_app.models.fields.IdField()),
                ('task_id', checkpoints_app.models.fields.IdField()),
                ('idx', models.IntegerField()),
                ('path', models.TextField()),
                ('channel', models.TextField()),
                ('kind', models.TextField()),
                ('hash', models.BinaryField(null=True)),
                ('value', models.BinaryField(null=True)),
            ],
            options={
                'db_table': 'checkpoints_write',
            },
        ),
        migrations.CreateModel(
            name='Blob',
            fields=[
                ('pk', models.CompositePrimaryKey('head_id', 'hash', blank=True, editable=False, primary_key=True, serialize=False)),
                ('hash', models.BinaryField()),
                ('codec', models.SmallIntegerField()),
                ('kind', models.TextField()),
                ('data', models.BinaryField()),
                ('head', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='blobs', to='checkpoints_app.checkpointhead')),
            ],
            options={
                'db_table': 'checkpoints_blob',
            },
        ),
        migrations.AddConstraint(
            model_name='scope',
            constraint=models.UniqueConstraint(fields=('head', 'ns'), name='checkpoints_scope_ns'),
        ),
        migrations.AddIndex(
            model_name='checkpoint',
            index=models.Index(condition=models.Q(('run_id__isnull', False)), fields=['run_id'], name='checkpoints_checkpoint_run'),
        ),
        migrations.CreateModel(
            name='StoreItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('namespace', checkpoints_app.models.labels.NamespaceField()),
                ('key', checkpoints_app.models.labels.KeyField()),
                ('value', threadhub.kernel.models.JsonText()),
                ('ttl_minutes', models.FloatField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('owner', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'checkpoints_store_item',
                'constraints': [models.UniqueConstraint(fields=('owner', 'namespace', 'key'), name='store_item_place')],
                'indexes': [models.Index(condition=models.Q(('expires_at__isnull', False)), fields=['expires_at'], name='store_item_expiry')],
            },
        ),
        migrations.RunPython(lay_out, migrations.RunPython.noop),
    ]
