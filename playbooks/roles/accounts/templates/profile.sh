# Written by Pointsman.
umask {{ accounts_umask }}
