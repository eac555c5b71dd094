from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="FilledRecommendation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("primary_key", models.CharField(max_length=64, verbose_name="product")),
                (
                    "recommended_key",
                    models.CharField(max_length=64, verbose_name="recommended product"),
                ),
                ("ranking", models.PositiveSmallIntegerField(verbose_name="ranking")),
                ("is_unwanted", models.BooleanField(default=False, verbose_name="deleted by hand")),
                ("written_at", models.DateTimeField(verbose_name="written")),
            ],
            options={
                "verbose_name": "filled recommendation",
                "verbose_name_plural": "filled recommendations",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("primary_key", "recommended_key"),
                        name="engagement_oscar_filled_pair",
                    )
                ],
            },
        ),
    ]
