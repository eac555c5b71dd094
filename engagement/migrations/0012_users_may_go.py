"""No database holds our keys to users: a shop that takes the app out can delete its users."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KEYS = (
    ("activation", "activated_by"),
    ("answer", "by"),
    ("moderationdecision", "moderator"),
    ("policyactivation", "activated_by"),
    ("policyversion", "created_by"),
    ("post", "handled_by"),
    ("review", "reply_by"),
    ("reviewlabel", "labelled_by"),
    ("visitor", "user"),
)


def forget_those_who_went(apps, schema_editor):
    """Empty the keys of users that are no more: the constraints that come back refuse them."""
    alias = schema_editor.connection.alias
    users = apps.get_model(settings.AUTH_USER_MODEL)._base_manager.using(alias)
    for model, field in KEYS:
        rows = apps.get_model("engagement", model)._base_manager.using(alias)
        known = users.filter(pk=models.OuterRef(f"{field}_id"))
        rows.filter(~models.Exists(known), **{f"{field}__isnull": False}).update(**{field: None})


class Migration(migrations.Migration):
    dependencies = [
        ("engagement", "0011_decisions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="activation",
            name="activated_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by",
            ),
        ),
        migrations.AlterField(
            model_name="answer",
            name="by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="answered by",
            ),
        ),
        migrations.AlterField(
            model_name="moderationdecision",
            name="moderator",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="moderator",
            ),
        ),
        migrations.AlterField(
            model_name="policyactivation",
            name="activated_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by",
            ),
        ),
        migrations.AlterField(
            model_name="policyversion",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by",
            ),
        ),
        migrations.AlterField(
            model_name="post",
            name="handled_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="dealt with by",
            ),
        ),
        migrations.AlterField(
            model_name="review",
            name="reply_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="replied by",
            ),
        ),
        migrations.AlterField(
            model_name="reviewlabel",
            name="labelled_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="said by",
            ),
        ),
        migrations.AlterField(
            model_name="visitor",
            name="user",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
        # The last of all: on the way back it comes first.
        migrations.RunPython(migrations.RunPython.noop, forget_those_who_went),
    ]
