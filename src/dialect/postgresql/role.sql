select current_setting('is_superuser') = 'on'
